import Foundation
import MartletCore
import Testing

/// Documents of every kind that matters, each decoded as several types and compared with Foundation.
@Suite struct JSONCorpusTests {
  @Test(arguments: [
    "", " ", "\n\t\r ", "null", " null ", "nul", "nulll", "true", "tru", "truefalse", "false", "fals3", "True", "NaN",
    "Infinity", "-Infinity", "nan", "0", "\"\"", "\"a\"", "\"a", "a", "[]", "[ ]", "[", "]", "[1", "[1,", "[1,]", "[,]",
    "[,1]", "[1,,2]", "[1 2]", "[1]]", "[1]x", "[1] \n", "[1]\u{0}", "\u{0}[1]", "{}", "{ }", "{", "}", "{]", "[}",
    "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":1,,}", "{,}", "{\"a\" : 1 , \"b\" : 2}", "{a:1}",
    "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\"1}", "{1:1}", "{\"a\":1}}", "{\"a\":{\"b\":[{\"c\":null}]}}", "//c\n[1]",
    "[1/*c*/]", "[\"a\",\"b\"]", "[\"a\" , \"b\" ]", "[true,false,null,1,\"x\",[],{}]", "[\u{a0}1]", "\u{c}[1]",
    "{\"\":0}", "{\"a\\u0062\":1}", "{\"\u{e9}\":1,\"e\u{301}\":2}",
  ])
  func structure(text: String) {
    expectSame(AnyJSON.self, text)
    expectSame([Int].self, text)
    expectSame([String?].self, text)
    expectSame([String: Int].self, text)
    expectSame(String.self, text)
    expectSame(Bool?.self, text)
  }

  @Test(arguments: [
    "0", "-0", "1", "-1", "01", "-01", "00", "1.", ".5", "-.5", "1.0", "1.50", "-1.0", "1e2", "1E2", "1e+2", "1e-2",
    "1e",
    "1e+", "1.e2", "1.0e2", "0e400", "1.5e1", "+1", "--1", "-", "1-2", "1.2.3", "1e2e3", "1e2.5", "0x10",
    "1_000",
    "127", "128", "-128", "-129", "255", "256", "32767", "32768", "65535", "65536", "2147483647", "2147483648",
    "-2147483649", "4294967295", "4294967296", "9007199254740991", "9007199254740992", "9007199254740993",
    "9007199254740993.0", "18014398509481985.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "9223372036854775807.0", "18446744073709551615", "18446744073709551616", "1e19", "1e20",
    "170141183460469231731687303715884105727", "340282366920938463463374607431768211456", "0.1", "0.2", "0.3",
    "0.30000000000000004", "123456789012345678901234567890", "1.7976931348623157e308", "1.7976931348623159e308",
    "1e308",
    "1e309", "1e400", "-1e400", "5e-324", "2e-324", "1e-400", "2.2250738585072014e-308", "2.2250738585072011e-308",
    "3.4028235e38", "3.4028236e38", "1e39", "1e-45", "1e-46", "16777217", "0.000001", "1e22", "1e23",
    "8.5070591730234616e37", "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124", "7.2057594037927933e16", "1e127", "1e128", "1e-127",
    "1e-128",
    "1e-129", "12345678901234567890123456789012345678", "123456789012345678901234567890123456789012345",
    "0.00000000000000000000000000000000000000000000000000001", "99999999999999999999999999999999999999999999999999e-50",
    "1.10", "100", "-0.0", "0.00", "0e-5", "1e65", "1e-65", "19.99", "58635.56",
  ])
  func number(literal: String) {
    func expectAll<each Value: Decodable & Equatable>(_ types: repeat (each Value).Type) {
      repeat expectSame([each Value].self, "[\(literal)]")
    }
    expectAll(Int.self, Int8.self, Int16.self, Int32.self, Int64.self, Int128.self)
    expectAll(UInt.self, UInt8.self, UInt16.self, UInt32.self, UInt64.self, UInt128.self)
    expectAll(Double.self, Float.self, Decimal.self, Date.self, Bool.self, String.self, AnyJSON.self)
    expectSame(Double.self, literal)
    expectSame(Int.self, " \(literal)\n")
    expectSame([String: Decimal].self, "{\"price\":\(literal)}")
  }

  /// Where Foundation takes an exponent for a digit that was lost.
  @Test(arguments: ["0e1", "0e5", "-0e9"])
  func zeroWithAnExponentIsZero(literal: String) throws {
    #expect(try JSON.decode(Double.self, from: literal.bytes) == 0)
    #expect(try JSON.decode(Float.self, from: literal.bytes) == 0)
    #expect(try JSON.decode(Int.self, from: literal.bytes) == 0)
  }

  @Test(arguments: [
    #"plain"#, #"longer than eight bytes and than fifteen"#, #"\""#, #"\\"#, #"\/"#, #"\b\f\n\r\t"#, #"\u0041"#,
    #"\u00e9"#,
    #"\u00E9"#, #"\u65e5\u672c"#, #"\ud83d\ude00"#, #"\uD83D\uDE00x"#, #"\ud83d"#, #"\ude00"#, #"\ud83dx"#,
    #"\ud83d\n"#,
    #"\ud83d\ud83d"#, #"\ud83d\u0041"#, #"\ude00\ud83d"#, #"\u"#, #"\u1"#, #"\u12"#, #"\u123"#, #"\u12g4"#, #"\u+123"#,
    #"\u 123"#, #"\x"#, #"\'"#, #"\a"#, #"\"#, #"\u0000"#, #"a\u0000b"#, #"\u001f"#, #"\ufffd"#, #"\uffff"#,
    "tab\tinside",
    "line\nfeed", "nul\u{0}inside", "\u{1f}", "\u{7f}", "é", "e\u{301}", "日本語", "🐦", "\u{2028}", "\u{feff}",
    "12345678\"",
    #"1234567\n"#, #"12345678\n"#, #"é\n"#, #"\nüüüüüüüüüüüüüü"#, "12345678é", #"\u00e9é\u00e9"#,
  ])
  func string(inside: String) {
    for text in [
      "\"\(inside)\"", "[\"\(inside)\",1]", "{\"\(inside)\":1}", "{\"a\":\"\(inside)\",\"b\":2}", "[\"\(inside)",
    ] {
      expectSame(AnyJSON.self, text)
      expectSame([String].self, text)
      expectSame(String.self, text)
      expectSame([String: Int].self, text)
      expectSame(OnlyB.self, text)
    }
  }

  /// Leaves everything but one member unread.
  struct OnlyB: Codable, Equatable { var b: Int? }

  @Test(
    arguments: [
      [0x80], [0xc3], [0xc3, 0x28], [0xc0, 0x80], [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xf4, 0x90, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xff], [0xfe], [0xef, 0xbf, 0xbd], [0xc3, 0xa9],
      [0xf0, 0x9f, 0x90, 0xa6], [0xc3, 0x5c, 0x6e], [0x5c, 0x6e, 0xa9], [0x5c, 0x75, 0x30, 0x30, 0x65, 0x39, 0xc3],
    ] as [[UInt8]])
  func bytesAboveASCII(bytes: [UInt8]) {
    for padding in [0, 3, 8, 20] {
      let text = Array(repeating: UInt8(ascii: "x"), count: padding) + bytes
      let quoted = [0x22] + text + [0x22]
      expectSame(String.self, quoted)
      expectSame(AnyJSON.self, Array("{".utf8) + quoted + Array(":1}".utf8))
      expectSame(OnlyB.self, Array("{\"a\":".utf8) + quoted + Array(",\"b\":1}".utf8))
      expectSame(OnlyB.self, Array("{".utf8) + quoted + Array(":1,\"b\":1}".utf8))
      expectSame(AnyJSON.self, Array("[1".utf8) + bytes + Array("]".utf8))
    }
  }

  @Test(arguments: ["[1,\"é🐦\"]", "1", "{\"a\":[true]}", "\"x\"", ""])
  func otherEncodings(text: String) throws {
    let encodings: [String.Encoding] = [
      .utf8, .utf16, .utf16BigEndian, .utf16LittleEndian, .utf32, .utf32BigEndian, .utf32LittleEndian,
    ]
    for encoding in encodings {
      let data = try #require(text.data(using: encoding))
      for mark in [[], [0xef, 0xbb, 0xbf], [0xfe, 0xff], [0xff, 0xfe], [0, 0, 0xfe, 0xff], [0xff, 0xfe, 0, 0]]
        as [[UInt8]]
      {
        expectSame(AnyJSON.self, mark + data)
        expectSame(AnyJSON.self, (mark + data).dropLast())
      }
    }
  }

  @Test(arguments: [
    #""AQID""#, #""AQ==""#, #""AQ=""#, #""AQ""#, #""""#, #""A Q ID""#, #""AQ\u0049D""#, #""AQ\/\/""#, #""-_-_""#,
    #""AQID\n""#,
    "1", "null", "[1,2]", #""https://example.com/a?b=c#d""#, #""a b""#, #""http://[::1""#, #""é""#, #""%zz""#,
    #""E621E1F8-C36C-495A-93FC-0C247A3E6E5F""#, #""e621e1f8-c36c-495a-93fc-0c247a3e6e5f""#, #""E621E1F8""#,
    #""E621E1F8-C36C-495A-93FC-0C247A3E6E5""#,
    #""E621E1F8-C36C-495A-93FC-0C247A3E6E5G""#, #""E621E1F8C36C-495A-93FC-0C247A3E6E5F0""#,
    #""\u0045621E1F8-C36C-495A-93FC-0C247A3E6E5F""#, #""E621E1F8-C36C-495A-93FC-0C247A3E6E5é""#,
    "700000000.5",
    "-1", "1e300", "true", "{}",
  ])
  func foundationTypes(text: String) {
    for document in [text, "[\(text)]", "{\"x\":\(text)}"] {
      expectSame(Data.self, document)
      expectSame([Data?].self, document)
      expectSame([URL].self, document)
      expectSame(URL.self, document)
      expectSame([UUID?].self, document)
      expectSame(UUID.self, document)
      expectSame([Decimal?].self, document)
      expectSame([String: Data].self, document)
      if !text.hasPrefix("\"") { expectSame([Date].self, document) }
    }
  }
}
