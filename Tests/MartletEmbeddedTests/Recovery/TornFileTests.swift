import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

/// A machine that dies leaves the WAL cut off anywhere: then a commit is there as a whole or not at all.
@Suite struct TornFileTests {
  @Test func aCutWALHoldsWholeCommits() async throws {
    let scratch = try Scratch()
    let store = try StoreBench(scratch.file)
    let consumer = try store.consumer()
    try store.send("a", "b", "c")
    let held = try store.claim(3, for: consumer)
    let start = try Data(contentsOf: URL(filePath: scratch.file + "-wal")).count
    // Three commits, each of which completes one message and sends one of 6 KB, over several pages.
    for (index, delivery) in held.enumerated() {
      try store.transaction { store in
        _ = try store.complete(delivery.place, through: delivery.place)
        let body = Bytes(Array(repeating: UInt8(index), count: 6000))
        try store.insert(
          OutgoingMessage(to: .queue("out"), body: body, id: "\(index)"), into: store.queueCreating(named: "out"),
          now: 0)
      }
    }
    let database = try Data(contentsOf: URL(filePath: scratch.file))
    let wal = try Data(contentsOf: URL(filePath: scratch.file + "-wal"))
    var seen: Set<Int> = []
    // Every frame (24 bytes of header and a page of 4096), its edges and its middle.
    let frames = stride(from: start, through: wal.count, by: 24 + 4096)
    for length in frames.flatMap({ [$0 - 1, $0, $0 + 1, $0 + 24, $0 + 2000] }) where length <= wal.count {
      for isGarbled in [false, true] {
        let copy = try Scratch()
        try database.write(to: URL(filePath: copy.file))
        var cut = wal[..<length]
        // What the disk had not written may hold anything.
        if isGarbled { cut += Data(repeating: 0xa5, count: 4096) }
        try cut.write(to: URL(filePath: copy.file + "-wal"))
        let again = try StoreOpening.open(EmbeddedLocation(path: copy.file), now: 0)
        let (left, sent) = (try again.counts(of: "q"), try again.counts(of: "out").ready)
        #expect(try again.database.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
        guard left != QueueCounts() || sent > 0 else { continue }
        if left.unsettled + left.ready == 3 { #expect(sent == 0) } else { #expect(left.unsettled + sent == 3) }
        seen.insert(sent)
      }
    }
    #expect(seen == [0, 1, 2, 3])
  }
}
