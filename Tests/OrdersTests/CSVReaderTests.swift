import Testing

@testable import OrdersExample

@Suite struct CSVReaderTests {
  @Test(arguments: [
    ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]),
    ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
    ("a,,\n", [["a", "", ""]]),
    ("\n\na\n\n\n", [["a"]]),
    ("\"a,b\",c\n", [["a,b", "c"]]),
    ("\"say \"\"hi\"\"\",c\n", [["say \"hi\"", "c"]]),
    ("\"two\nlines\",c\nd\n", [["two\nlines", "c"], ["d"]]),
    ("\"\",\"\"\n", [["", ""]]),
    ("7\" plate,c\n", [["7\" plate", "c"]]),
    ("\"a\"b,c\n", [["ab", "c"]]),
    ("\"never closed,c\nd\n", [["never closed,c\nd\n"]]),
    ("\u{feff}a,b\n", [["a", "b"]]),
    ("", []),
  ])
  func reads(_ text: String, _ fields: [[String]]) {
    #expect(CSVReader(text).map(\.fields) == fields)
  }

  @Test func keepsTheTextOfALineSoThatItReadsTheSameAgain() throws {
    let text = "x,\"a, \"\"b\"\"\nc\",y"
    let record = try #require(Array(CSVReader(text + "\r\nnext\n")).first)
    #expect(record.text == text)
    #expect(Array(CSVReader(record.text)) == [record])
  }

  @Test func survivesBytesThatAreNotText() {
    #expect(CSVReader([0x61, 0xff, 0x2c, 0x62, 0x0a]).map(\.fields) == [["a\u{fffd}", "b"]])
  }
}
