import Testing

@testable import OrdersExample

@Suite struct GeneratedDayTests {
  @Test func isTheSameForTheSameSeed() {
    #expect(GeneratedDay(seed: 3, lines: 500).csv == GeneratedDay(seed: 3, lines: 500).csv)
    #expect(GeneratedDay(seed: 3, lines: 500).csv != GeneratedDay(seed: 4, lines: 500).csv)
  }

  @Test(arguments: [1, 17, 500, 2000])
  func hasAsManyLinesAsAskedFor(_ count: Int) {
    #expect(Day(csv: Array(GeneratedDay(seed: 1, lines: count).csv.utf8)).count == count)
  }

  @Test func repeatsWithoutTheHeader() {
    let day = Day(csv: Array((Order.columns.joined(separator: ",") + "\r\na\r\nb\r\n").utf8), repetitions: 2)
    #expect((0..<day.count).map { day[$0] } == ["a", "b", "a", "b"])
  }
}
