/// What somebody may have meant who wrote a name that does not exist.
enum Suggestion {
  /// The nearest of the known names, if one is near: a third of the letters may differ, two at least.
  static func nearest(to name: String, among known: some Sequence<String>, limit: Int? = nil) -> String? {
    let limit = limit ?? max(2, name.count / 3)
    return known.map { (name: $0, distance: distance(name.lowercased(), $0.lowercased())) }
      .filter { $0.distance <= limit && $0.distance < $0.name.count }
      .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
  }

  /// ` did you mean "broker"?` or ` known are: …`.
  static func text(for name: String, among known: some Sequence<String>) -> String {
    if let nearest = nearest(to: name, among: known) { return "did you mean \"\(nearest)\"?" }
    return "known are: \(known.sorted().joined(separator: ", "))"
  }

  /// How many letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
  private static func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    guard abs(left.count - right.count) <= 20, left.count <= 200 else { return .max }
    var before: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
      var row = [i + 1]
      for j in right.indices {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, before[j - 1] + 1) }
        row.append(cost)
      }
      (before, last) = (last, row)
    }
    return last[right.count]
  }
}
