import MartletCore
import Testing

struct ByteScratchTests {
  private static func append(_ text: String, to scratch: inout ByteScratch) -> ByteScratch.Place {
    var text = text
    return text.withUTF8 { scratch.append(UnsafeRawBufferPointer($0)) }
  }

  @Test func `what is kept stays as it was, whatever comes later`() {
    var scratch = ByteScratch(blockSize: 64)
    var kept: [(text: String, bytes: Bytes)] = []
    // Short ones share blocks, long ones have blocks of their own; every few rounds nothing at all is kept.
    for round in 0..<100 {
      var places: [(text: String, place: ByteScratch.Place)] = []
      for index in 0..<(round % 9) {
        let text = "\(round)/\(index) " + String(repeating: "x", count: (round * 7 + index * 13) % 90)
        places.append((text, Self.append(text, to: &scratch)))
      }
      for (text, place) in places {
        #expect(String(decoding: scratch.bytes(place), as: UTF8.self) == text)
        if round % 3 != 0 { kept.append((text, scratch.slice(place))) }
      }
      scratch.reset()
      if round % 20 == 19 { kept.removeFirst(kept.count / 2) }
    }
    #expect(kept.count > 50)
    for (text, bytes) in kept { #expect(bytes.string == text) }
  }

  @Test func `memory that nobody keeps is used again`() {
    var scratch = ByteScratch(blockSize: 64)
    func address(_ place: ByteScratch.Place) -> UnsafeRawPointer? { scratch.bytes(place).baseAddress }
    let first = address(Self.append("one", to: &scratch))
    scratch.reset()
    let place = Self.append("two", to: &scratch)
    #expect(address(place) == first)
    let kept = scratch.slice(place)
    scratch.reset()
    #expect(address(Self.append("three", to: &scratch)) != first)
    #expect(kept.string == "two")
  }

  @Test func `nothing takes no room`() {
    var scratch = ByteScratch()
    let place = Self.append("", to: &scratch)
    #expect(place.count == 0)
    #expect(scratch.slice(place).isEmpty)
  }
}
