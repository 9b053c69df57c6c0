import MartletCore
import Testing

@testable import MartletRuntime

struct MessagesInHandTests {
  /// A delivery with the id of another one.
  private static func copy(_ number: UInt64, of id: UInt64, generation: UInt32 = 1) -> Delivery {
    var delivery = Delivery.sample(number, generation: generation)
    delivery.message.id = "m\(id)"
    return delivery
  }

  private static func numbers(_ deliveries: [Delivery]) -> [UInt64] { deliveries.map(\.receipt.low) }

  @Test func `messages of one id go on one after another, in order`() {
    var inHand = MessagesInHand()
    let all = [.sample(1), Self.copy(2, of: 1), .sample(3), Self.copy(4, of: 1)]
    #expect(Self.numbers(inHand.admit(all)) == [1, 3])
    #expect(inHand.end("m3", generation: 1) == nil)
    #expect(inHand.end("m1", generation: 1)?.receipt.low == 2)
    #expect(Self.numbers(inHand.admit([Self.copy(5, of: 1)])) == [])
    #expect(inHand.end("m1", generation: 1)?.receipt.low == 4)
    #expect(inHand.end("m1", generation: 1)?.receipt.low == 5)
    #expect(inHand.end("m1", generation: 1) == nil)
    #expect(Self.numbers(inHand.admit([Self.copy(6, of: 1)])) == [6])
  }

  @Test func `a lost generation keeps nothing back, and ends nothing of the next`() {
    var inHand = MessagesInHand()
    _ = inHand.admit([.sample(1), Self.copy(2, of: 1), .sample(3)])
    #expect(Self.numbers(inHand.admit([Self.copy(9, of: 1, generation: 2)])) == [])
    #expect(Self.numbers(inHand.revoke(generationsBefore: 2)) == [9])
    #expect(inHand.end("m1", generation: 1) == nil)
    #expect(Self.numbers(inHand.admit([Self.copy(10, of: 1, generation: 2)])) == [])
    #expect(inHand.end("m1", generation: 2)?.receipt.low == 10)
    #expect(Self.numbers(inHand.admit([Self.copy(11, of: 3, generation: 2)])) == [11])
  }

  @Test func `a drain takes what is kept back`() {
    var inHand = MessagesInHand()
    _ = inHand.admit([.sample(1), Self.copy(2, of: 1), Self.copy(3, of: 1)])
    #expect(Self.numbers(inHand.takeKeptBack()) == [2, 3])
    #expect(inHand.end("m1", generation: 1) == nil)
  }
}
