import Foundation

/// The lines of a day, from a file or made up; perhaps several times over.
struct Day {
  private let lines: [String]
  private let repetitions: Int

  /// - Parameter csv: with or without a header line.
  init(csv: [UInt8], repetitions: Int = 1) {
    let records = Array(CSVReader(csv))
    lines = records.dropFirst(records.first?.fields == Order.columns ? 1 : 0).map(\.text)
    self.repetitions = repetitions
  }

  var count: Int { lines.count * repetitions }

  /// The line at a position from 0, as it stands in the file.
  subscript(position: Int) -> String { lines[position % lines.count] }
}
