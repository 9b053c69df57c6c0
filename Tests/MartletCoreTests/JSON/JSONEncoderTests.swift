import Foundation
import MartletCore
import Testing

/// The text that is written, and the containers as code that encodes by hand uses them.
@Suite struct JSONEncoderTests {
  @Test func membersStandInTheOrderInWhichTheyAreWritten() throws {
    struct Line: Codable { var sku = "A", quantity = 2, price = Decimal(string: "2.50") }
    struct Order: Codable {
      var zeta = "z", id = 1, lines = [Line(), Line()], none: Int? = nil, at = Date(timeIntervalSinceReferenceDate: 0.5)
      var body = Data([1, 2, 3]), link = URL(string: "https://a/b"), ok = true, empty = [String: Int](),
        half: Float = 0.5
    }
    #expect(
      try JSON.encode(Order()).description
        == #"{"zeta":"z","id":1,"lines":[{"sku":"A","quantity":2,"price":2.5},{"sku":"A","quantity":2,"price":2.5}],"#
        + #""at":0.5,"body":"AQID","link":"https://a/b","ok":true,"empty":{},"half":0.5}"#)
  }

  @Test(arguments: [
    ("", #""""#), ("a/b", #""a/b""#), ("\"\\", #""\"\\""#), ("\u{8}\u{c}\n\r\t", #""\b\f\n\r\t""#),
    ("\u{0}\u{1}\u{f}\u{10}\u{1f}\u{7f}", "\"\\u0000\\u0001\\u000f\\u0010\\u001f\u{7f}\""),
    ("é日🐦\u{2028}", "\"é日🐦\u{2028}\""),
    ("12345678", #""12345678""#), ("1234567\"9012345678\n", #""1234567\"9012345678\n""#),
  ])
  func stringsAreEscapedWhereTheyMustBe(string: String, text: String) throws {
    #expect(try JSON.encode(string).description == text)
    #expect(try JSON.encode([string: string]).description == "{\(text):\(text)}")
    #expect(try JSON.decode(String.self, from: try JSON.encode(string)) == string)
  }

  @Test func aSingleValueIsADocument() throws {
    #expect(try JSON.encode(1).description == "1")
    #expect(try JSON.encode("a").description == "\"a\"")
    #expect(try JSON.encode(Int?.none).description == "null")
    #expect(try JSON.encode(2.0).description == "2")
    #expect(try JSON.encode(-0.0).description == "-0")
    #expect(try JSON.encode(1e16).description == "1e+16")
    #expect(try JSON.encode([Int]()).description == "[]")
    #expect(try JSON.encode([Bool?]([true, nil])).description == "[true,null]")
    #expect(try JSON.encode([Bytes("abc")]).description == #"["YWJj"]"#)
    #expect(try JSON.decode([Bytes].self, from: #"["YWJj"]"#.bytes) == [Bytes("abc")])
    #expect(try JSON.encode([3: "c"]).description == #"{"3":"c"}"#)
    struct Nothing: Encodable { func encode(to encoder: any Encoder) {} }
    #expect(throws: EncodingError.self) { try JSON.encode(Nothing()) }
    #expect(try JSON.encode([Nothing()]).description == "[{}]")
  }

  enum Key: String, CodingKey { case a, b, c, `super` }

  /// Encodes with a closure.
  struct Script: Encodable {
    let body: (any Encoder) throws -> Void
    func encode(to encoder: any Encoder) throws { try body(encoder) }
  }

  @Test func nestedContainersMayBeWrittenSideBySide() throws {
    let script = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      var left = top.nestedUnkeyedContainer(forKey: .a)
      try top.encode("between", forKey: .b)
      var right = top.nestedContainer(keyedBy: Key.self, forKey: .c)
      for index in 0..<3 {
        try left.encode(index)
        var deep = left.nestedContainer(keyedBy: Key.self)
        try right.encode([index], forKey: [Key.a, .b, .c][index])
        try deep.encode(left.count, forKey: .a)
        #expect(deep.codingPath.dropFirst().map(\.stringValue) == ["a", "Index \(index * 2 + 1)"])
      }
      // Asked for again, it is the same container.
      var again = top.nestedUnkeyedContainer(forKey: .a)
      try again.encode("last")
      try left.encodeNil()
    }
    #expect(
      try JSON.encode([script, script]).description.split(separator: "},{\"a\":[0,").first.map(String.init)
        == #"[{"a":[0,{"a":2},1,{"a":4},2,{"a":6},"last",null],"b":"between","c":{"a":[0],"b":[1],"c":[2]}"#)
  }

  @Test func superEncodersWriteIntoTheirPlace() throws {
    let script = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      let base = top.superEncoder()
      let named = top.superEncoder(forKey: .b)
      try top.encode(1, forKey: .a)
      try ["x": 1].encode(to: base)
      try "named".encode(to: named)
      _ = top.superEncoder(forKey: .c)
    }
    #expect(try JSON.encode(script).description == #"{"super":{"x":1},"b":"named","a":1,"c":{}}"#)
    let list = Script { encoder in
      var top = encoder.unkeyedContainer()
      let base = top.superEncoder()
      try top.encode(2)
      try [true].encode(to: base)
    }
    #expect(try JSON.encode(list).description == "[[true],2]")
  }

  @Test func aTypeMayAddMembersToWhatAnotherOneWrote() throws {
    let shared = Script { encoder in
      try ["a": 1].encode(to: encoder)
      var more = encoder.container(keyedBy: Key.self)
      try more.encode(2, forKey: .b)
    }
    #expect(try JSON.encode(shared).description == #"{"a":1,"b":2}"#)
    let reopened = Script { encoder in
      var single = encoder.singleValueContainer()
      try single.encode(["a": 1])
      var more = encoder.container(keyedBy: Key.self)
      try more.encode(2, forKey: .b)
    }
    #expect(try JSON.encode([reopened]).description == #"[{"a":1,"b":2}]"#)
  }

  @Test func aNameThatIsWrittenAgainHasTheLastValue() throws {
    let script = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      try top.encode([1, 2], forKey: .a)
      try top.encode("x", forKey: .b)
      try top.encode(["k": "é\n"], forKey: .a)
    }
    #expect(try JSON.encode([script]).description == #"[{"b":"x","a":{"k":"é\n"}}]"#)
    let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key \($0)", $0) })
    #expect(try JSON.decode([String: Int].self, from: try JSON.encode(many)) == many)
  }

  @Test func afterAnErrorThatWasCaughtThePartIsMissing() throws {
    struct Failure: Error {}
    let failing = Script { encoder in
      var inner = encoder.container(keyedBy: Key.self)
      try inner.encode(1, forKey: .a)
      var list = inner.nestedUnkeyedContainer(forKey: .b)
      try list.encode(1)
      throw Failure()
    }
    let script = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      try top.encode(1, forKey: .a)
      #expect(throws: Failure.self) { try top.encode(failing, forKey: .b) }
      #expect(throws: EncodingError.self) { try top.encode(Double.nan, forKey: .b) }
      try top.encode([2], forKey: .c)
    }
    #expect(try JSON.encode(script).description == #"{"a":1,"c":[2]}"#)
  }

  @Test func misuseIsAnErrorAndNotACrash() throws {
    let twice = Script { encoder in
      var single = encoder.singleValueContainer()
      try single.encode(1)
      try single.encode(2)
    }
    let mixed = Script { encoder in
      var single = encoder.singleValueContainer()
      try single.encode(1)
      var top = encoder.container(keyedBy: Key.self)
      try? top.encode(2, forKey: .a)
    }
    let both = Script { encoder in
      _ = encoder.container(keyedBy: Key.self)
      _ = encoder.unkeyedContainer()
    }
    for script in [twice, mixed, both] {
      #expect(throws: EncodingError.self) { try JSON.encode(script) }
      #expect(throws: EncodingError.self) { try JSON.encode([script]) }
    }
    #expect(try JSON.encode([1]).description == "[1]")
  }

  @Test func aContainerThatIsKeptTooLongWritesNothing() throws {
    final class Kept { var container: KeyedEncodingContainer<Key>? }
    let kept = Kept()
    let script = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      try top.encode(1, forKey: .a)
      kept.container = top
    }
    let after = Script { encoder in
      var top = encoder.container(keyedBy: Key.self)
      #expect(throws: EncodingError.self) { try kept.container?.encode(2, forKey: .b) }
      try top.encode(3, forKey: .c)
    }
    #expect(try JSON.encode([script, after]).description == #"[{"a":1},{"c":3}]"#)
    #expect(throws: EncodingError.self) { try kept.container?.encode(2, forKey: .b) }
    _ = kept.container?.nestedUnkeyedContainer(forKey: .a)
    #expect(try JSON.encode([script, after]).description == #"[{"a":1},{"c":3}]"#)
  }

  @Test(arguments: [1, 511, 512, 513, 600])
  func nestingDeeperThan512IsRefused(depth: Int) throws {
    struct Deep: Encodable {
      let left: Int
      func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        if left > 1 { try container.encode(Deep(left: left - 1)) }
      }
    }
    if depth <= 512 {
      let text = try JSON.encode(Deep(left: depth))
      #expect(text.count == depth * 2)
      #expect(throws: Never.self) { try JSON.decode(JSONLimitsTests.Nested.self, from: text) }
    } else {
      #expect(throws: EncodingError.self) { try JSON.encode(Deep(left: depth)) }
    }
    let nested = Script { encoder in
      var container = encoder.unkeyedContainer()
      for _ in 1..<depth { container = container.nestedUnkeyedContainer() }
    }
    #expect((try? JSON.encode(nested).count) == (depth <= 512 ? depth * 2 : nil))
  }

  @Test func manyNestedContainersTakeLinearTime() throws {
    let script = Script { encoder in
      var top = encoder.unkeyedContainer()
      var columns = [top.nestedUnkeyedContainer(), top.nestedUnkeyedContainer()]
      for index in 0..<20_000 {
        try columns[index % 2].encode(index)
        var row = top.nestedContainer(keyedBy: Key.self)
        try row.encode(index, forKey: .a)
      }
    }
    let text = try JSON.encode(script)
    let values = try JSON.decode([AnyJSON].self, from: text)
    #expect(values.count == 20_002)
    #expect(values[1] == .array(stride(from: 1, to: 20_000, by: 2).map { .int($0) }))
    #expect(values[20_001] == .object(["a": .int(19_999)]))
  }

  @Test func userInfoReachesTheEncoder() throws {
    let key = try #require(CodingUserInfoKey(rawValue: "k"))
    let script = Script { encoder in try "\(encoder.userInfo[key] ?? "none")".encode(to: encoder) }
    #expect(try JSON.encode([script], userInfo: [key: 4]).description == #"["4"]"#)
    #expect(try JSON.encode([script]).description == #"["none"]"#)
  }
}
