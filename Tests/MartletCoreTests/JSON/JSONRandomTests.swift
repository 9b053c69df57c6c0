import Foundation
import MartletCore
import Testing

/// Random values and damaged documents, compared with Foundation. The argument of a failing case is its seed.
@Suite struct JSONRandomTests {
  @Test(arguments: UInt64(1)...20)
  func decodesWhatFoundationWrites(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      let any = AnyJSON.random(&generator)
      expectSame(AnyJSON.self, try JSONEncoder().encode(any))
      let sample = Sample.random(&generator)
      let encoder = JSONEncoder()
      if Bool.random(using: &generator) { encoder.outputFormatting = [.prettyPrinted, .sortedKeys] }
      let text = try encoder.encode(sample)
      expectSame(Sample.self, text)
      expectSame(AnyJSON.self, text)
      expectSame(Tables.self, try encoder.encode(Tables.random(&generator)))
    }
  }

  @Test(arguments: UInt64(1)...20)
  func writesWhatFoundationDecodes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      let any = AnyJSON.random(&generator)
      // Foundation is the judge of values that JSON does not keep, such as a double that is whole.
      #expect(
        try JSONDecoder().decode(AnyJSON.self, from: Data(try JSON.encode(any)))
          == JSONDecoder().decode(AnyJSON.self, from: JSONEncoder().encode(any)))
      let sample = Sample.random(&generator)
      let text = try JSON.encode(sample)
      let theirs = try JSONDecoder().decode(Sample.self, from: try JSONEncoder().encode(sample))
      #expect(try JSONDecoder().decode(Sample.self, from: Data(text)) == theirs)
      #expect(try JSON.decode(Sample.self, from: text) == theirs)
      let tables = Tables.random(&generator)
      #expect(try JSONDecoder().decode(Tables.self, from: Data(try JSON.encode(tables))) == tables)
    }
  }

  @Test(arguments: UInt64(1)...40)
  func damagedDocumentsFareAsWithFoundation(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let text = try JSONEncoder().encode(Sample.random(&generator))
    for _ in 0..<60 {
      var damaged = Array(text)
      for _ in 0..<Int.random(in: 1...3, using: &generator) { damage(&damaged, &generator) }
      expectSame(Sample.self, damaged)
      expectSame(AnyJSON.self, damaged, anyError: true)
    }
  }

  @Test(arguments: UInt64(1)...30)
  func damagedTablesFareAsWithFoundation(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let text = try JSONEncoder().encode(Tables.random(&generator))
    for _ in 0..<60 {
      var damaged = Array(text)
      for _ in 0..<Int.random(in: 1...3, using: &generator) { damage(&damaged, &generator) }
      expectSame(Tables.self, damaged, anyError: true)
    }
  }

  @Test(arguments: UInt64(1)...20)
  func smallDocumentsOfJSONCharactersFareAsWithFoundation(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"", "\\", "1", "-", "0", ".", "e", "1e5", "true", "fals",
      "null",
      " ", "\n", "\u{e9}", "\\u00e9", "\\ud83d", "\\ude00",
    ]
    for _ in 0..<300 {
      let text = (0..<Int.random(in: 1..<12, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }
      .joined()
      expectSame(AnyJSON.self, Array(text.utf8), anyError: true)
      expectSame([String: Double].self, Array(text.utf8), anyError: true)
      expectSame([Int?].self, text)
    }
  }

  /// Changes, removes, doubles or inserts a few bytes.
  private func damage(_ text: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !text.isEmpty else { return }
    let place = Int.random(in: 0..<text.count, using: &generator)
    let end = min(text.count, place + Int.random(in: 1...6, using: &generator))
    let telling = Array(#"{}[],:"\0123456789.eE+-tfn/u "#.utf8) + [0, 0x0a, 0x1f, 0x7f, 0x80, 0xc3, 0xe2, 0xf0, 0xff]
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: text[place] = telling.randomElement(using: &generator) ?? 0
    case 1: text.removeSubrange(place..<end)
    case 2: text.insert(contentsOf: text[place..<end], at: place)
    case 3: text.insert(telling.randomElement(using: &generator) ?? 0, at: place)
    default: text[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    }
  }
}
