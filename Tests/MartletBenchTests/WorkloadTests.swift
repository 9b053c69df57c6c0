import CBaseline
import Martlet
import Testing

@testable import MartletBench

/// Both sides must do the same work, so Martlet's types read what the baseline writes, and answer alike.
@Suite struct WorkloadTests {
  private func body(_ number: Int, _ arguments: Arguments) -> Bytes {
    var buffer = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
    var arena = ByteArena()
    return Workload.body(number, arguments, buffer: &buffer, arena: &arena)
  }

  @Test(arguments: [0, 1, 96, 5_000, 12_345_678]) func billsAreTheSame(number: Int) throws {
    let arguments = try Arguments(["pipe"])
    let body = body(number, arguments)
    #expect(body.count == 256)
    let expected = try JSON.decode(Order.self, from: body).bill
    var padded = Array(body).map { CChar(bitPattern: $0) } + [CChar](repeating: 0, count: 64)
    var result = [CChar](repeating: 0, count: 256)
    let count = baseline_function(&padded, body.count, true, &result)
    let bill = try JSON.decode(Bill.self, from: Bytes(result[..<count].map { UInt8(bitPattern: $0) }))
    #expect(bill.id == expected.id)
    #expect(bill.lines == 2)
    #expect(bill.total == expected.total)
  }

  @Test func bytesAreCutAlike() throws {
    let body = body(7, try Arguments(["pipe", "--payload", "raw", "--body", "300"]))
    #expect(body.count == 300)
    #expect(body.bill == body[0..<50])
    #expect(body[0..<20].bill.count == 20)
  }

  /// Nearly: prices have two to four characters, or more where a codec does not write the shortest form.
  @Test func ordersThatAreSentHaveTheAskedSize() throws {
    let note = try Order.note(forBodyBytes: 256)
    let sizes = try (0..<1000).map { try JSON.encode(Order(number: $0, note: note)).count }
    #expect(sizes.allSatisfy { (200...300).contains($0) })
  }
}
