import Foundation
import MartletCore
import Testing

/// Nesting, size, truncation, and what the errors say.
@Suite struct JSONLimitsTests {
  @Test(arguments: [1, 2, 511, 512, 513, 514, 100_000])
  func nestingDeeperThan512IsRefused(depth: Int) {
    for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
      let middle = opening == "[" ? "" : "1"
      let text = String(repeating: opening, count: depth) + middle + String(repeating: closing, count: depth)
      let document = Bytes("{\"skipped\":\(text),\"b\":1}")
      let expected = depth <= 511
      #expect((try? JSON.decode(JSONCorpusTests.OnlyB.self, from: document)) == (expected ? .init(b: 1) : nil))
      // Only the brackets that open: the end is missing.
      #expect(throws: DecodingError.self) {
        try JSON.decode(AnyJSON.self, from: Bytes(String(repeating: opening, count: depth)))
      }
      expectSame(Nested.self, text)
    }
  }

  /// Walks down as deep as the document goes.
  indirect enum Nested: Codable, Equatable {
    case end
    case list([Nested])
    case table([String: Nested])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let list = try? container.decode([Nested].self) {
        self = .list(list)
      } else if let table = try? container.decode([String: Nested].self) {
        self = .table(table)
      } else {
        self = .end
      }
    }
  }

  /// Deep documents are decoded and encoded on the runtime's own threads too, whose stacks are smaller than usual.
  @Test func theDeepestDocumentFitsTheStackOfAThread() {
    for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
      let middle = opening == "[" ? "" : "1"
      let text = String(repeating: opening, count: 512) + middle + String(repeating: closing, count: 512)
      let thread = NamedThread.start("deep") {
        guard let value = try? JSON.decode(AnyJSON.self, from: text.bytes) else { return #expect(Bool(false)) }
        #expect((try? JSON.encode(value)) == text.bytes)
      }
      thread.join()
    }
  }

  @Test func everyTruncationOfAPayloadIsAnErrorAndNotACrash() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<3 {
      let text = try JSON.encode(Sample.random(&generator))
      for count in 0..<text.count {
        // A copy in memory of its own, so that the address sanitizer sees a read behind the end.
        let part = Bytes(Array(text[0..<count]))
        #expect(throws: DecodingError.self) { try JSON.decode(Sample.self, from: part) }
        #expect(throws: DecodingError.self) { try JSON.decode(AnyJSON.self, from: part) }
      }
    }
  }

  @Test func everySliceOfAPayloadIsReadWithinItsBounds() {
    let text = Array(#"{"a":"é\n\ud83d\ude00","b":[1.5e3,-0,true,false,null],"c":{"d":12345678901234567890}}"#.utf8)
    for start in 0..<text.count {
      for end in start..<text.count { expectSame(AnyJSON.self, Array(text[start..<end]), anyError: true) }
    }
  }

  @Test(arguments: [
    ("", "The body is empty; a JSON document has at least one value."),
    ("  ", "The JSON document ends before its value is complete at byte 2 (line 1, column 3)."),
    ("{\"a\":1", "The JSON document ends before its value is complete at byte 6 (line 1, column 7)."),
    ("{\n  \"a\": x\n}", "Not JSON: unexpected 'x' where a value begins at byte 9 (line 2, column 8)."),
    ("[1 2]", "Not JSON: unexpected '2' in an array at byte 3 (line 1, column 4)."),
    ("{\"a\":1 2}", "Not JSON: unexpected '2' in an object at byte 7 (line 1, column 8)."),
    ("{\"a\" 1}", "Not JSON: unexpected '1' behind the name of a member at byte 5 (line 1, column 6)."),
    ("{1:2}", "Not JSON: unexpected '1' where the name of a member begins at byte 1 (line 1, column 2)."),
    ("[1]\u{0}", "Not JSON: unexpected byte 0x00 after the document at byte 3 (line 1, column 4)."),
    ("[tru]", "Not JSON: unexpected ']' in true, false or null at byte 4 (line 1, column 5)."),
    ("[01]", "Not JSON: an invalid number at byte 1 (line 1, column 2)."),
    ("[1e999]", "The number 1e999 does not fit the type at byte 1 (line 1, column 2)."),
    ("[300]", "The number 300 does not fit the type at byte 1 (line 1, column 2)."),
  ])
  func theErrorSaysWhatAndWhere(text: String, description: String) {
    let error = #expect(throws: DecodingError.self) { try JSON.decode([Int8].self, from: Bytes(text)) }
    guard case .dataCorrupted(let context)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    #expect(context.debugDescription == description)
  }

  @Test(arguments: [
    (#"["\x"]"#, "Not JSON: an invalid escape in a string at byte 3 (line 1, column 4)."),
    (#"["\ud83d"]"#, "Not JSON: half of a surrogate pair in a string at byte 3 (line 1, column 4)."),
    ("[\"a\u{1}\"]", "Not JSON: byte 0x01 must be escaped in a string at byte 3 (line 1, column 4)."),
  ])
  func theErrorSaysWhatIsWrongInAString(text: String, description: String) {
    let error = #expect(throws: DecodingError.self) { try JSON.decode([String].self, from: Bytes(text)) }
    guard case .dataCorrupted(let context)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    #expect(context.debugDescription == description)
    #expect(context.codingPath.map(\.stringValue) == ["Index 0"])
  }

  @Test func aLargeDocumentKeepsNothingBehind() throws {
    let numbers = (0..<200_000).map { $0 }
    let text = try JSON.encode(numbers)
    #expect(try JSON.decode([Int].self, from: text) == numbers)
    let object = Dictionary(uniqueKeysWithValues: numbers.prefix(20_000).map { ("key\($0)", $0) })
    #expect(try JSON.decode([String: Int].self, from: try JSON.encode(object)) == object)
    #expect(try JSON.decode([Int].self, from: "[1]".bytes) == [1])
  }
}

extension String {
  var bytes: Bytes { Bytes(self) }
}
