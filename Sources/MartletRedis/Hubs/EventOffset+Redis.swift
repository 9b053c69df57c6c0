import Foundation
import MartletCore

extension EventOffset {
  static let zero = EventOffset(high: 0, low: 0)

  /// As a stream's id is written.
  var streamID: String { "\(high)-\(low)" }

  /// The id right before this one; itself at the very first.
  var predecessor: EventOffset {
    if low > 0 { return EventOffset(high: high, low: low - 1) }
    return high > 0 ? EventOffset(high: high - 1, low: .max) : self
  }

  /// When the entry was added, if Redis gave its id.
  var time: Date { Date(timeIntervalSince1970: Double(high) / 1000) }
}
