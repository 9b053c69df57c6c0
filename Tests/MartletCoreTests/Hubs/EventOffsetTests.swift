import MartletCore
import Testing

struct EventOffsetTests {
  @Test(arguments: [
    (EventOffset(low: 0), "0"), (EventOffset(low: 42), "42"), (EventOffset(low: .max), "18446744073709551615"),
    (EventOffset(high: 1_700_000_000_000, low: 3), "1700000000000-3"),
    (EventOffset(high: .max, low: .max), "18446744073709551615-18446744073709551615"),
    (EventOffset(high: 1, low: 0), "1-0"),
  ])
  func `is written and read back`(offset: EventOffset, text: String) {
    #expect(offset.description == text)
    #expect(EventOffset(text) == offset)
  }

  @Test func `reads a zero that Redis writes out`() { #expect(EventOffset("0-7") == EventOffset(low: 7)) }

  @Test(arguments: ["", "-", "x", "1-", "-1", "1-2-3", "1.5", " 1", "18446744073709551616", "1-x", "$"])
  func `anything else is no offset`(text: String) { #expect(EventOffset(text) == nil) }

  @Test func `is ordered by the high part first`() {
    let sorted = [
      EventOffset(low: 0), EventOffset(low: 9), EventOffset(low: 10), EventOffset(high: 1, low: 0),
      EventOffset(high: 1, low: 5), EventOffset(high: 2, low: 0),
    ]
    #expect(sorted.shuffled().sorted() == sorted)
  }
}
