import Testing

@testable import MartletRuntime

struct DurationTextTests {
  @Test(arguments: [
    ("00:00:00", Duration.zero, "00:00:00"),
    ("00:00:25", .seconds(25), "00:00:25"),
    ("0:5:3", .seconds(303), "00:05:03"),
    ("23:59:59.999", .milliseconds(86_399_999), "23:59:59.999"),
    ("1.06:30:00.25", .milliseconds(109_800_250), "1.06:30:00.250"),
    ("00:00:00.0000001", .nanoseconds(100), "00:00:00"),
    ("7.00:00:00", .seconds(604_800), "7.00:00:00"),
  ])
  func `reads what .NET reads`(text: String, duration: Duration, again: String) {
    #expect(DurationText.parse(text) == duration)
    #expect(DurationText.format(duration) == again)
  }

  @Test(arguments: [
    "", "5", "5s", "5m 3", "00:05", "24:00:00", "00:60:00", "00:00:60", "-00:00:01", "00:00:01.", "00:00:01.12345678",
    "1.2.00:00:00", "a:b:c", "00:00:00:00", " 00:00:01", "00:00:1e3", "٠٠:٠٠:٠١", "9999999.00:00:00", "-1", "NaN",
  ])
  func `refuses the rest`(text: String) {
    #expect(DurationText.parse(text) == nil)
  }
}
