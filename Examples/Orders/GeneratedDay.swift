/// A day of the shop, made up: the same for the same seed.
struct GeneratedDay {
  let csv: String

  /// - Parameters:
  ///   - seed: which day.
  ///   - lines: how many lines it has, the header not counted. One in 500 is malformed.
  init(seed: UInt64, lines count: Int) {
    var random = SeededGenerator(state: seed)
    var lines = [Order.columns.joined(separator: ",")]
    var number = 536_000
    while lines.count <= count {
      number += 1
      let isCancelled = Int.random(in: 0..<20, using: &random) == 0
      let minute = 8 * 60 + (lines.count - 1) * 600 / count
      let time = "2010-12-01 \(twoDigits(minute / 60)):\(twoDigits(minute % 60)):00"
      let customer = Int.random(in: 12_000...18_000, using: &random)
      let country = Self.countries[Int.random(in: 0..<Self.countries.count, using: &random)]
      for _ in 0..<min(Int.random(in: 1...40, using: &random), count + 1 - lines.count) {
        let (code, name, price) = Self.articles[Int.random(in: 0..<Self.articles.count, using: &random)]
        var quantity = "\(Int.random(in: 1...24, using: &random) * (isCancelled ? -1 : 1))"
        if Int.random(in: 0..<500, using: &random) == 0 { quantity = "many" }
        lines.append(
          "\(isCancelled ? "C" : "")\(number),\(code),\(name),\(quantity),\(time),\(price),\(customer).0,\(country)"
        )
      }
    }
    csv = lines.joined(separator: "\n") + "\n"
  }

  private static let countries =
    Array(repeating: "United Kingdom", count: 12) + ["EIRE", "France", "Germany", "Norway", "Netherlands"]

  private static let articles = [
    ("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", "2.55"), ("71053", "WHITE METAL LANTERN", "3.39"),
    ("84406B", "CREAM CUPID HEARTS COAT HANGER", "2.75"), ("22752", "SET 7 BABUSHKA NESTING BOXES", "7.65"),
    ("82567", "\"AIRLINE LOUNGE,METAL SIGN\"", "2.1"), ("22041", "\"RECORD FRAME 7\"\" SINGLE SIZE\"", "2.55"),
    ("21730", "GLASS STAR FROSTED T-LIGHT HOLDER", "4.25"), ("22633", "HAND WARMER UNION JACK", "1.85"),
    ("POST", "POSTAGE", "18"), ("22960", "\"JAM MAKING SET, WITH JARS\"", "4.25"), ("21071", "", "0"),
    ("22913", "RED COAT RACK PARIS FASHION", "4.95"),
  ]
}

private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

/// SplitMix64 (Steele, Lea, Flood 2014).
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
