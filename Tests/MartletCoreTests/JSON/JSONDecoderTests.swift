import Foundation
import MartletCore
import Testing

/// The containers, as code that decodes by hand uses them.
@Suite struct JSONDecoderTests {
  @Test func theFirstOfEqualNamesCountsInWhateverOrderTheyAreRead() throws {
    struct Backwards: Decodable, Equatable {
      var a, b: Int
      enum Keys: CodingKey { case a, b }
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        b = try container.decode(Int.self, forKey: .b)
        a = try container.decode(Int.self, forKey: .a)
        #expect(try container.decode(Int.self, forKey: .a) == a)
        #expect(container.allKeys.count == 2)
      }
    }
    for text in [#"{"a":1,"b":2,"a":3}"#, #"{"b":2,"a":1,"a":3,"b":4}"#, #"{"a":1,"\u0061":3,"b":2}"#] {
      expectSame(Backwards.self, text)
    }
    let many = (0..<40).map { "\"k\($0 % 30)\":\($0)" }.joined(separator: ",")
    expectSame([String: Int].self, "{\(many)}")
  }

  @Test func namesAreComparedAsStringsAre() {
    struct Payload: Codable, Equatable {
      var accented: Int?
      var k: Int?
      enum CodingKeys: String, CodingKey {
        case accented = "é"
        case k = "\u{212a}"  // the Kelvin sign, which is equal to K
      }
    }
    for text in [
      "{\"é\":1}", "{\"e\\u0301\":1}", "{\"e\u{301}\":1,\"é\":2}", "{\"K\":3}", "{\"\u{212a}\":3}", "{\"k\":3}",
    ] {
      expectSame(Payload.self, text)
    }
    let many = (0..<30).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    expectSame(Payload.self, "{\(many),\"K\":3,\"e\u{301}\":1}")
    expectSame(Payload.self, "{\(many),\"K\":3}")
  }

  struct ByHand: Decodable, Equatable {
    var path: [String] = []
    var log: [String] = []

    struct Name: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Name.self)
      func key(_ name: String) -> Name { Name(stringValue: name) }
      log.append("\(container.contains(key("list"))) \(container.contains(key("none")))")
      log.append("\(try container.decodeNil(forKey: key("nothing")))")
      log.append("\((try? container.decodeNil(forKey: key("none"))) == nil)")
      log.append("\(try container.decodeIfPresent(Int.self, forKey: key("nothing")) as Int?)")
      log.append("\(try container.decodeIfPresent(String.self, forKey: key("none")) as String?)")
      log.append("\((try? container.decodeIfPresent(Int8.self, forKey: key("text"))) == nil)")
      log.append(container.allKeys.map(\.stringValue).sorted().joined(separator: ","))
      var list = try container.nestedUnkeyedContainer(forKey: key("list"))
      log.append("\(list.count ?? -1) \(list.currentIndex) \(list.isAtEnd)")
      log.append("\(try list.decodeNil()) \(try list.decode(Int.self)) \(try list.decodeNil()) \(list.currentIndex)")
      log.append("\((try? list.decode(String.self)) == nil) \(list.currentIndex)")
      let inner = try list.nestedContainer(keyedBy: Name.self)
      log.append(inner.codingPath.map(\.stringValue).joined(separator: "/"))
      var deepest = try inner.nestedUnkeyedContainer(forKey: key("deep"))
      log.append(
        "\(try deepest.decodeIfPresent(Bool.self) as Bool?) \(try deepest.decodeIfPresent(Bool.self) as Bool?)")
      let base = try list.superDecoder()
      log.append("\(base.codingPath.map(\.stringValue)) \(try String(from: base))")
      log.append("\(list.isAtEnd) \((try? list.decode(Int.self)) == nil) \((try? list.decodeNil()) == nil)")
      let parent = try container.superDecoder()
      log.append("\(parent.codingPath.map(\.stringValue)) \(try Int(from: parent))")
      let missing = try container.superDecoder(forKey: key("none"))
      log.append("\(missing.codingPath.map(\.stringValue)) \(try missing.singleValueContainer().decodeNil())")
      log.append("\((try? container.nestedContainer(keyedBy: Name.self, forKey: key("text"))) == nil)")
      path = decoder.codingPath.map(\.stringValue)
    }
  }

  @Test func containersBehaveAsFoundations() {
    let value = #"""
      {"text":"t","list":[null,7,"s",{"deep":[true,null]},"base"],"nothing":null,"super":5}
      """#
    for text in [value, value.replacingOccurrences(of: "\"s\",", with: "")] {
      expectSame(ByHand.self, text)
      expectSame([String: [ByHand]].self, "{\"outer\":[\(text)]}")
    }
  }

  @Test(arguments: [
    ("{\"lines\":[{\"n\":1},{\"n\":\"x\"}]}", "typeMismatch", ["lines", "Index 1", "n"]),
    ("{\"lines\":[{\"n\":1},{}]}", "keyNotFound", ["lines", "Index 1", "n"]),
    ("{\"lines\":[{\"n\":null}]}", "valueNotFound", ["lines", "Index 0", "n"]),
    ("{\"lines\":[[]]}", "typeMismatch", ["lines", "Index 0"]), ("{\"lines\":null}", "valueNotFound", ["lines"]),
    ("[]", "typeMismatch", []), ("null", "valueNotFound", []),
  ])
  func errorsHaveTheirKindAndPath(text: String, kind: String, path: [String]) {
    struct Line: Codable, Equatable { var n: Int }
    struct Lines: Codable, Equatable { var lines: [Line] }
    #expect(Decoded { try JSON.decode(Lines.self, from: text.bytes) } == .error(kind: kind, path: path))
    expectSame(Lines.self, text)
  }

  @Test func aMalformedNumberSaysWhereItIsInThePayload() {
    let error = #expect(throws: DecodingError.self) {
      try JSON.decode([String: [Double]].self, from: #"{"a":[1,2-3]}"#.bytes)
    }
    guard case .dataCorrupted(let context)? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    #expect(context.codingPath.map(\.stringValue) == ["a", "Index 1"])
    #expect(context.codingPath.map(\.intValue) == [nil, 1])
  }

  @Test func userInfoReachesTheDecoder() throws {
    struct Reader: Decodable {
      var found: Int?
      init(from decoder: any Decoder) throws {
        let key = try #require(CodingUserInfoKey(rawValue: "k"))
        found = decoder.userInfo[key] as? Int
      }
    }
    let key = try #require(CodingUserInfoKey(rawValue: "k"))
    #expect(try JSON.decode([Reader].self, from: "[1]".bytes, userInfo: [key: 4]).map(\.found) == [4])
    #expect(try JSON.decode([Reader].self, from: "[1]".bytes).map(\.found) == [nil])
  }

  @Test func aDecoderThatIsKeptStaysValid() throws {
    struct Keeper: Decodable {
      var decoder: any Decoder
      init(from decoder: any Decoder) { self.decoder = decoder }
    }
    let kept = try JSON.decode([Keeper].self, from: "[[1,2,3],{\"a\":\"kept\"}]".bytes)
    for _ in 0..<10 { _ = try JSON.decode([Int].self, from: "[9,9,9,9,9,9,9,9,9]".bytes) }
    #expect(try [Int](from: kept[0].decoder) == [1, 2, 3])
    #expect(try [String: String](from: kept[1].decoder) == ["a": "kept"])
  }

  private enum Names: CodingKey { case a, b, value }

  @Test func aContainerThatIsKeptStaysValid() throws {
    struct Keeper: Decodable {
      var container: KeyedDecodingContainer<Names>
      init(from decoder: any Decoder) throws { container = try decoder.container(keyedBy: Names.self) }
    }
    struct DecoderKeeper: Decodable {
      var decoder: any Decoder
      init(from decoder: any Decoder) { self.decoder = decoder }
    }
    var kept: [KeyedDecodingContainer<Names>] = []
    for number in 0..<20 {
      kept += try JSON.decode([Keeper].self, from: "[{\"value\":\(number)},{\"value\":\(-number)}]".bytes).map(
        \.container)
      // One of a decoder that was kept itself, and that the container outlives.
      let decoder = try JSON.decode(DecoderKeeper.self, from: "{\"value\":\(100 + number)}".bytes).decoder
      kept.append(try decoder.container(keyedBy: Names.self))
    }
    let values = try kept.map { try $0.decode(Int.self, forKey: .value) }
    #expect(values == (0..<20).flatMap { [$0, -$0, 100 + $0] })
  }

  @Test func containersOfEqualKeysAreReadSideBySide() throws {
    struct Node: Decodable, Equatable {
      var value: Int
      var below: [Node] = []
      init(_ value: Int, _ below: [Node] = []) { (self.value, self.below) = (value, below) }
      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Names.self)
        if container.contains(.a) { below.append(try container.decode(Node.self, forKey: .a)) }
        if let nested = try? container.nestedContainer(keyedBy: Names.self, forKey: .b) {
          below.append(Node(try nested.decode(Int.self, forKey: .value)))
        }
        // Behind the others: it must still be its own object that is read.
        value = try container.decode(Int.self, forKey: .value)
      }
    }
    var (text, expected) = ("{\"value\":0}", Node(0))
    for depth in 1...30 {
      (text, expected) = (
        "{\"a\":\(text),\"b\":{\"value\":\(-depth)},\"value\":\(depth)}", Node(depth, [expected, Node(-depth)])
      )
    }
    for _ in 0..<3 {
      #expect(try JSON.decode(Node.self, from: text.bytes) == expected)
      #expect(throws: DecodingError.self) {
        try JSON.decode(Node.self, from: text.replacing("\"value\":29", with: "\"value\":null").bytes)
      }
    }
  }

  @Test func decodingInsideADecodingIsAllowed() throws {
    struct Wrapped: Codable, Equatable {
      var inner: [Int]
      init(_ inner: [Int]) { self.inner = inner }
      init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        inner = try JSON.decode([Int].self, from: text.bytes)
      }
      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(try JSON.encode(inner).description)
      }
    }
    let value = [Wrapped([1, 2]), Wrapped([]), Wrapped([3])]
    let text = try JSON.encode(value)
    #expect(text == #"["[1,2]","[]","[3]"]"#.bytes)
    #expect(try JSON.decode([Wrapped].self, from: text) == value)
  }

  @Test func manyThreadsDecodeAndEncodeAtOnce() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in UInt64(1)...8 {
        group.addTask {
          var generator = SeededGenerator(seed: seed)
          for _ in 0..<12 {
            let value = Tables.random(&generator)
            let text = try JSON.encode(value)
            let back = try JSON.decode(Tables.self, from: text)
            #expect(back == value)
            await Task.yield()
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test(arguments: [
    ("\"2010-12-01T08:26:00Z\"", 312_884_760.0), ("\"2010-12-01T08:26:00.500Z\"", 312_884_760.5),
    ("\"2010-12-01T09:26:00+01:00\"", 312_884_760), ("312884760.5", 312_884_760.5),
  ])
  func datesAreSecondsOrISO8601(text: String, seconds: Double) throws {
    #expect(try JSON.decode(Date.self, from: text.bytes) == Date(timeIntervalSinceReferenceDate: seconds))
    #expect(throws: DecodingError.self) { try JSON.decode(Date.self, from: "\"yesterday\"".bytes) }
  }
}
