import Foundation
import MartletCore

/// Writes messages as operations of a script, see `EntryScript.send`.
struct OutputEncoder {
  /// Neighbouring outputs that are written alike. Most outputs of a commit go to one stream and have one content type:
  /// what they share is written once, because every argument costs the server a string.
  private struct Run {
    let address: Address
    let partition: Int
    /// The place of the stream or delayed set among the keys, from 1.
    let key: Int
    let isDelayed: Bool
    /// Whether they are body, id and content type alone.
    let isPlain: Bool
    let contentType: ContentType?
    var outputs: Range<Int>
  }

  /// The keys of the script, those of the outputs behind the others.
  private(set) var keys: [String]
  /// For each output, the places of its keys among the keys, from 1.
  private(set) var places: [Range<Int>] = []
  /// How many arguments `write` adds.
  private(set) var argumentCount = 0
  private var runs: [Run] = []
  private let outputs: [OutgoingMessage]

  /// - Parameters:
  ///   - own: the script's first keys. They are looked at for another purpose, also where an output has the same one.
  ///   - partitions: where the outputs for hubs go to; empty if there are none.
  init(_ outputs: [OutgoingMessage], partitions: [Int], own: [String]) {
    self.outputs = outputs
    keys = own
    places.reserveCapacity(outputs.count)
    // By index: to take a message out of the array is to retain all its parts.
    for index in outputs.indices {
      let isPlain = outputs[index].isPlain
      let isDelayed = !isPlain && OutputTarget.isDelayed(outputs[index])
      let partition = partitions.isEmpty ? -1 : partitions[index]
      argumentCount += isPlain ? 2 : (isDelayed ? 4 : 3) + EntryEncoder.argumentCount(outputs[index])
      let last = runs.count - 1
      if last >= 0, runs[last].isPlain == isPlain, runs[last].isDelayed == isDelayed,
        !isPlain || outputs[index].contentType == outputs[index - 1].contentType, runs[last].partition == partition,
        runs[last].address == outputs[index].address
      {
        runs[last].outputs = runs[last].outputs.lowerBound..<index + 1
        places.append(places[index - 1])
        continue
      }
      let output = outputs[index]
      if isPlain { argumentCount += 4 }
      let target = OutputTarget(output, partition: partition)
      let place = place(of: target, behind: own.count)
      places.append(place..<place + target.keys.count)
      runs.append(
        Run(
          address: output.address, partition: partition, key: place, isDelayed: isDelayed, isPlain: isPlain,
          contentType: isPlain ? output.contentType : nil, outputs: index..<index + 1))
    }
  }

  private mutating func place(of target: OutputTarget, behind own: Int) -> Int {
    // A delayed set stands before the keys that go with it; a stream among those does as well as any.
    if let place = keys[own...].firstIndex(of: target.keys[0]) { return place + 1 }
    keys += target.keys
    return keys.count - target.keys.count + 1
  }

  func write(to buffer: inout RequestBuffer) {
    for run in runs {
      if run.isPlain {
        buffer.append("p")
        buffer.append(run.key)
        buffer.append(run.contentType?.name ?? "")
        buffer.append(run.outputs.count)
        for index in run.outputs {
          buffer.append(outputs[index].id)
          buffer.append(outputs[index].body)
        }
      } else {
        for output in outputs[run.outputs] { write(output, run, to: &buffer) }
      }
    }
  }

  private func write(_ output: OutgoingMessage, _ run: Run, to buffer: inout RequestBuffer) {
    buffer.append(run.isDelayed ? "d" : "a")
    buffer.append(run.key)
    if run.isDelayed, let deliverAt = output.deliverAt {
      buffer.append(Int(milliseconds: deliverAt.timeIntervalSince1970 * 1000))
    }
    buffer.append(EntryEncoder.argumentCount(output))
    EntryEncoder.write(output, to: &buffer)
  }
}
