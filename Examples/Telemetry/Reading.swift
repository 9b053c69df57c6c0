import Foundation
import Martlet

/// A value that a device measured, or the word that no more will come.
struct Reading: Codable, Sendable, Hashable {
  /// Which line of the device it was, from 1: what comes again has the same.
  var number: Int
  /// When it was measured, by the device: `2013-12-02 21:15:00`. Nil at the end.
  var time: String?
  /// What was measured. Nil at the end.
  var value: Double?

  static let end = "end"

  /// Reads a line.
  /// - Throws: `Outcome.deadLetter` with what is wrong with it.
  init(_ line: IncomingEvent<String>) throws {
    guard let number = line.id.split(separator: "#").last.flatMap({ Int($0) }) else {
      throw Outcome.deadLetter("the id \"\(line.id)\" does not end with the number of the line")
    }
    self.number = number
    if line.body == Self.end { return }
    let columns = line.body.split(separator: ",", omittingEmptySubsequences: false)
    guard columns.count == 2 else {
      throw Outcome.deadLetter("a line has 2 columns, timestamp and value; this one has \(columns.count)")
    }
    guard columns[0].wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/) != nil else {
      throw Outcome.deadLetter("\"\(columns[0])\" is no timestamp like 2013-12-02 21:15:00")
    }
    guard let value = Double(columns[1]), value.isFinite else {
      throw Outcome.deadLetter(columns[1].isEmpty ? "the value is missing" : "\"\(columns[1])\" is no number")
    }
    (time, self.value) = (String(columns[0]), value)
  }

  /// The hour that it belongs to: `2013-12-02 21`.
  var hour: String? { time.map { String($0.prefix(13)) } }
}
