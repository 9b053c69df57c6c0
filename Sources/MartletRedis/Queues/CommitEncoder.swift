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

  /// Neighbouring outputs that are written alike. Most outputs of a group go to one stream and have one content type:
  /// what they share is written once, because every argument costs the server a string.
  private struct Run {
    let name: String
    /// The place of the stream or delayed set among the keys, from 1.
    let key: Int
    let isDelayed: Bool
    /// Whether they are body, id and content type alone.
    let isPlain: Bool
    let contentType: ContentType?
    var outputs: Range<Int>
  }

  /// - Parameter suspects: the receipts of this group that were handed out as suspects: their counters end.
  func write(
    _ group: CommitGroup, number: Int, suspects: [Receipt], digest: String, to buffer: inout RequestBuffer
  ) {
    var keyNames = keys.all
    var arguments = 7 + group.settlements.count + suspects.count
    let runs = runs(of: group.outputs, keyNames: &keyNames, arguments: &arguments)
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
    buffer.begin(arguments: 3 + keyNames.count + arguments)
    buffer.append("EVALSHA")
    buffer.append(digest)
    buffer.append(keyNames.count)
    for key in keyNames { buffer.append(key) }
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
    for run in runs { write(run, group.outputs[run.outputs], to: &buffer) }
    for settlement in group.settlements { write(settlement, to: &buffer) }
  }

  private func runs(of outputs: [OutgoingMessage], keyNames: inout [String], arguments: inout Int) -> [Run] {
    var runs: [Run] = []
    for (index, output) in outputs.enumerated() {
      let isPlain = output.isPlain
      let contentType = isPlain ? output.contentType : nil
      let isDelayed = !isPlain && output.deliverAt != nil
      arguments += isPlain ? 2 : (isDelayed ? 4 : 3) + EntryEncoder.argumentCount(output)
      if let last = runs.last, last.isPlain == isPlain, last.isDelayed == isDelayed, last.contentType == contentType,
        last.name == output.address.name
      {
        runs[runs.count - 1].outputs = last.outputs.lowerBound..<index + 1
        continue
      }
      if isPlain { arguments += 4 }
      let target = QueueKeys(output.address.name)
      let key = isDelayed ? target.delayed : target.stream
      // The first six are this queue's own, looked at for another purpose.
      // A delayed set stands before the keys that go with it; a stream among those does as well as any.
      var place = keyNames[6...].firstIndex(of: key) ?? keyNames.count
      if place == keyNames.count { keyNames += isDelayed ? target.delaying : [key] }
      place += 1
      runs.append(
        Run(
          name: output.address.name, key: place, isDelayed: isDelayed, isPlain: isPlain, contentType: contentType,
          outputs: index..<index + 1))
    }
    return runs
  }

  private func write(_ run: Run, _ outputs: ArraySlice<OutgoingMessage>, to buffer: inout RequestBuffer) {
    if run.isPlain {
      buffer.append("p")
      buffer.append(run.key)
      buffer.append(run.contentType?.name ?? "")
      buffer.append(outputs.count)
      for output in outputs {
        buffer.append(output.id)
        buffer.append(output.body)
      }
      return
    }
    for output in outputs {
      buffer.append(run.isDelayed ? "d" : "a")
      buffer.append(run.key)
      if let deliverAt = output.deliverAt {
        buffer.append(Int(milliseconds: deliverAt.timeIntervalSince1970 * 1000))
      }
      buffer.append(EntryEncoder.argumentCount(output))
      EntryEncoder.write(output, to: &buffer)
    }
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
