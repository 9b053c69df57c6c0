import Foundation
import MartletCore

/// Writes a commit group as one call of the commit script.
struct CommitEncoder {
  private let keys: QueueKeys
  private let consumer: String

  init(keys: QueueKeys, consumer: String) {
    self.keys = keys
    self.consumer = consumer
  }

  /// - Parameters:
  ///   - partitions: where the outputs for hubs go to; empty if there are none.
  ///   - suspects: the receipts of this group that were handed out as suspects: their counters end.
  func write(
    _ group: CommitGroup, partitions: [Int], number: Int, suspects: [Receipt], digest: String,
    to buffer: inout RequestBuffer
  ) {
    let remembered = group.deduplication.map { RememberedIDs(of: group, for: $0.window) }
    let own = remembered == nil ? keys.all : keys.all + [keys.remembered]
    let outputs = OutputEncoder(group.outputs, partitions: partitions, own: own)
    var arguments = 7 + group.settlements.count + suspects.count + outputs.argumentCount
    if let remembered { arguments += 3 + 2 * remembered.ids.count }
    var newest: (high: UInt64, low: UInt64) = (0, 0)
    for settlement in group.settlements {
      let receipt = settlement.receipt
      if (receipt.high, receipt.low) > newest { newest = (receipt.high, receipt.low) }
      switch settlement {
      case .complete: break
      case .retry: arguments += 4
      case .deadLetter(_, let reason): arguments += 3 + 2 * reason.headers.count
      case .release: arguments += 3
      }
    }
    buffer.begin(arguments: 3 + outputs.keys.count + arguments)
    buffer.append("EVALSHA")
    buffer.append(digest)
    buffer.append(outputs.keys.count)
    for key in outputs.keys { buffer.append(key) }
    buffer.append(QueueKeys.group)
    buffer.append(consumer)
    buffer.append(number)
    buffer.append(id: newest.high, newest.low)
    if newest.low < .max { buffer.append(id: newest.high, newest.low + 1) } else { buffer.append("") }
    buffer.append(group.settlements.count)
    for settlement in group.settlements {
      let receipt = settlement.receipt
      buffer.append(id: receipt.high, receipt.low)
    }
    buffer.append(suspects.count)
    for receipt in suspects { buffer.append(id: receipt.high, receipt.low) }
    remembered?.write(to: &buffer)
    outputs.write(to: &buffer)
    for settlement in group.settlements { write(settlement, to: &buffer) }
  }

  private func write(_ settlement: Settlement, to buffer: inout RequestBuffer) {
    let receipt = settlement.receipt
    switch settlement {
    case .complete: break
    case .retry(let delivery, let delay):
      buffer.append("r")
      buffer.append(id: receipt.high, receipt.low)
      buffer.append(Int(milliseconds: max(0, delay / .milliseconds(1)).rounded(.up)))
      buffer.append(delivery.attempt)
    case .deadLetter(_, let reason):
      let headers = reason.headers
      buffer.append("x")
      buffer.append(id: receipt.high, receipt.low)
      buffer.append(2 * headers.count)
      for header in headers {
        buffer.append("h:", header.name)
        buffer.append(header.value.text ?? "")
      }
    case .release(let delivery):
      buffer.append("b")
      buffer.append(id: receipt.high, receipt.low)
      buffer.append(delivery.attempt - 1)
    }
  }
}

/// The ids that a group remembers, each with its entry.
private struct RememberedIDs {
  let milliseconds: Int
  private(set) var ids: [(entry: Int, id: String)] = []

  init(of group: CommitGroup, for window: Duration) {
    milliseconds = Int(milliseconds: max(0, window / .milliseconds(1)).rounded(.up))
    for index in group.entries.indices {
      for id in group.rememberedIDs(ofEntry: index) where !id.isEmpty { ids.append((index, id)) }
    }
  }

  func write(to buffer: inout RequestBuffer) {
    buffer.append("s")
    buffer.append(milliseconds)
    buffer.append(ids.count)
    for (entry, id) in ids {
      buffer.append(entry)
      buffer.append(id)
    }
  }
}
