/// A reading far away from those before it.
struct Alert: Codable, Sendable, Hashable {
  var device: String
  var time: String
  var value: Double
  /// How many standard deviations it is away from the mean of the readings before.
  var score: Double
}
