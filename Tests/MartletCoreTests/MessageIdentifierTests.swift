import Testing

@testable import MartletCore

/// Golden: what was sent yesterday must be told from what is sent tomorrow by the same ids.
struct MessageIdentifierTests {
  @Test(arguments: [
    ("order-1", "bill", 0, 0, "order-1/bill.0.0"),
    ("order-1", "bill", 1, 12, "order-1/bill.1.12"),
    ("", "f", 10, 1_234_567, "/f.10.1234567"),
    ("größe/1", "f", 0, 9, "größe/1/f.0.9"),
    (String(repeating: "a", count: 111), "bill", 0, 0, String(repeating: "a", count: 111) + "/bill.0.0"),
    (String(repeating: "a", count: 200), "bill", 0, 0, "086ca90a201a3c0b54edf9f0019e765f"),
  ])
  func `derived ids`(input: String, function: String, output: Int, index: Int, id: String) {
    #expect(MessageIdentifier.derived(from: .text(input), function: function, output: output, index: index) == id)
  }

  /// FNV-1a 128 test vectors of draft-eastlake-fnv.
  @Test(arguments: [
    ("", "6c62272e07bb014262b821756295c58d"),
    ("a", "d228cb696f1a8caf78912b704e4a8964"),
    ("foobar", "343e1662793c64bf6f0d3597ba446f18"),
  ])
  func `digests`(text: String, digest: String) {
    #expect(MessageIdentifier.digest(of: text) == digest)
  }

  @Test func `a chain of functions never outgrows the limit`() {
    var id = "order-1"
    var seen: Set<String> = [id]
    for _ in 0..<1000 {
      id = MessageIdentifier.derived(from: .text(id), function: "price", output: 0, index: 0)
      #expect(id.utf8.count <= MessageIdentifier.longest)
      #expect(seen.insert(id).inserted)
    }
  }

  @Test func `random ids are 32 hexadecimal digits and differ`() {
    let ids = Set((0..<1000).map { _ in MessageIdentifier.random() })
    #expect(ids.count == 1000)
    #expect(ids.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
  }
}
