import Foundation

/// A rolling statistic of one device: the readings before, and what was found. It is the function's state, so it moves
/// with the partition and fits the checkpoint.
struct Detector: Codable, Sendable {
  /// How many readings before one decide what is usual.
  static let span = 288
  /// How many standard deviations are too many.
  static let threshold = 7.0

  /// The last line that counted: a line that comes again counts once.
  private(set) var last = 0
  private(set) var readings = 0
  private(set) var alerts: [String] = []
  /// The values before, oldest first, eight bytes each.
  private var values = Data()

  /// Takes a reading in. Answers an alert where it is unusual, and what was found at the end.
  mutating func take(_ reading: Reading, of device: String?) -> (alert: Alert?, finding: Finding?) {
    guard reading.number > last, let device else { return (nil, nil) }
    last = reading.number
    guard let value = reading.value, let time = reading.time else {
      let detection = Finding.Detection(readings: readings, alerts: alerts)
      return (nil, Finding(device: device, lines: reading.number - 1, detection: detection))
    }
    readings += 1
    let score = score(of: value)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { values.append(contentsOf: $0) }
    values = Data(values.suffix(Self.span * 8))
    guard let score, score > Self.threshold else { return (nil, nil) }
    alerts.append(time)
    return (Alert(device: device, time: time, value: value, score: score), nil)
  }

  /// How many standard deviations a value is away from the mean; nil while too few are known, or all were equal.
  private func score(of value: Double) -> Double? {
    guard values.count == Self.span * 8 else { return nil }
    let known = values.withUnsafeBytes { bytes in
      (0..<Self.span).map {
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)))
      }
    }
    let mean = known.reduce(0, +) / Double(Self.span)
    let variance = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(Self.span)
    return variance > 0 ? abs(value - mean) / variance.squareRoot() : nil
  }
}
