/// Durations as .NET and so `host.json` write them: `hh:mm:ss`, with a fraction, with days: `1.06:30:00.250`.
enum DurationText {
  /// nil for anything else.
  static func parse(_ text: String) -> Duration? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let minutes = number(parts[1], digits: 1...2), minutes < 60 else { return nil }
    let dayHour = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let secondFraction = parts[2].split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(dayHour.count), (1...2).contains(secondFraction.count),
      let days = dayHour.count == 2 ? number(dayHour[0], digits: 1...6) : 0,
      let hours = number(dayHour[dayHour.count - 1], digits: 1...2), hours < 24,
      let seconds = number(secondFraction[0], digits: 1...2), seconds < 60
    else { return nil }
    var duration = Duration.seconds(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if secondFraction.count == 2 {
      // Seven digits: .NET's ticks of 100 ns.
      guard number(secondFraction[1], digits: 1...7) != nil,
        let ticks = Int(secondFraction[1] + String(repeating: "0", count: 7 - secondFraction[1].count))
      else { return nil }
      duration += .nanoseconds(ticks * 100)
    }
    return duration
  }

  private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int? {
    guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(text)
  }

  /// The same form.
  static func format(_ duration: Duration) -> String {
    guard duration >= .zero else { return "-" + format(.zero - duration) }
    let (seconds, attoseconds) = duration.components
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
    func pad(_ value: Int64, _ width: Int = 2) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    var text = days > 0 ? "\(days)." : ""
    text += "\(pad(hours)):\(pad(minutes)):\(pad(seconds % 60))"
    let milliseconds = attoseconds / 1_000_000_000_000_000
    return milliseconds > 0 ? "\(text).\(pad(milliseconds, 3))" : text
  }
}
