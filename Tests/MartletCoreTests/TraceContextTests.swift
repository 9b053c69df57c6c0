import Testing

@testable import MartletCore

@Suite struct TraceContextTests {
  @Test func readsAndWritesTheStandardsExample() throws {
    let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let trace = try #require(TraceContext(traceparent: text, state: "a=1"))
    #expect(trace.traceparent == text)
    #expect(trace.next().traceIDText == "0af7651916cd43dd8448eb211c80319c")
    #expect(trace.next().state == "a=1")
  }

  @Test(arguments: [
    "", "00", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
  ])
  func ignoresWhatTheStandardForbids(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }
}
