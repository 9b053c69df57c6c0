import Foundation
import MartletCore

/// Writes messages as operations of a script, see `EntryScript.send`.
struct OutputEncoder {
  /// Neighbouring outputs that are written alike. Most outputs of a commit go to one stream and have one content type:
  /// what they share is written once, because every argument costs the server a string.
  private struct Run {
    let address: Address
    let partition: Int
    let form: Form
    /// Of forms that share it.
    let contentType: ContentType?
    /// The place of the stream or delayed set among the keys, from 1.
    var key = 0
    var outputs: Range<Int>

    init(_ output: UnsafePointer<OutgoingMessage>, partition: Int, at index: Int) {
      self.partition = partition
      address = output.pointee.address
      form = Form(output)
      contentType = form.isShared ? output.pointee.contentType : nil
      outputs = index..<index + 1
    }

    /// Whether an output can be written as those of the run are.
    func takes(_ output: UnsafePointer<OutgoingMessage>, partition: Int) -> Bool {
      self.partition == partition && form == Form(output)
        && (!form.isShared || contentType == output.pointee.contentType) && address == output.pointee.address
    }
  }

  /// How an output is written.
  private enum Form {
    /// Body, id and content type alone.
    case plain
    /// With a key.
    case keyed
    /// With a key and a trace.
    case traced
    /// With anything.
    case full
    /// Later.
    case delayed

    init(_ output: UnsafePointer<OutgoingMessage>) {
      if output.pointee.isPlain {
        self = .plain
      } else if output.pointee.isPlainEvent {
        self = output.pointee.trace == nil ? .keyed : .traced
      } else {
        self = OutputTarget.isDelayed(output.pointee) ? .delayed : .full
      }
    }

    var isShared: Bool { self == .plain || self == .keyed || self == .traced }
    /// The arguments of the operation before those of its outputs, where they share it.
    var sharedArguments: Int { self == .plain ? 4 : 5 }
    /// The arguments of each output.
    func arguments(_ output: UnsafePointer<OutgoingMessage>) -> Int {
      switch self {
      case .plain: 2
      case .keyed: 3
      case .traced: 4
      case .full: 3 + EntryEncoder.argumentCount(output.pointee)
      case .delayed: 4 + EntryEncoder.argumentCount(output.pointee)
      }
    }
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
    // Through a pointer, so that no message is copied to be looked at.
    outputs.withUnsafeBufferPointer { outputs in
      guard var output = outputs.baseAddress else { return }
      for index in outputs.indices {
        let partition = partitions.isEmpty ? -1 : partitions[index]
        if let last = runs.indices.last, runs[last].takes(output, partition: partition) {
          runs[last].outputs = runs[last].outputs.lowerBound..<index + 1
          places.append(places[index - 1])
        } else {
          begin(output, partition: partition, at: index, own: own.count)
        }
        argumentCount += runs[runs.count - 1].form.arguments(output)
        output += 1
      }
    }
  }

  private mutating func begin(
    _ output: UnsafePointer<OutgoingMessage>, partition: Int, at index: Int, own: Int
  ) {
    var run = Run(output, partition: partition, at: index)
    let target = OutputTarget(output.pointee, partition: partition)
    run.key = place(of: target, behind: own)
    places.append(run.key..<run.key + target.keys.count)
    if run.form.isShared { argumentCount += run.form.sharedArguments }
    runs.append(run)
  }

  private mutating func place(of target: OutputTarget, behind own: Int) -> Int {
    // A delayed set stands before the keys that go with it; a stream among those does as well as any.
    if let place = keys[own...].firstIndex(of: target.keys[0]) { return place + 1 }
    keys += target.keys
    return keys.count - target.keys.count + 1
  }

  func write(to buffer: inout RequestBuffer) {
    for run in runs {
      switch run.form {
      case .plain:
        buffer.append("p")
        buffer.append(run.key)
        buffer.append(run.contentType?.name ?? "")
        buffer.append(run.outputs.count)
        outputs.withUnsafeBufferPointer { outputs in
          for index in run.outputs {
            buffer.append(outputs[index].id)
            buffer.append(outputs[index].body)
          }
        }
      case .keyed, .traced: writeEvents(run, to: &buffer)
      case .full, .delayed: for index in run.outputs { write(outputs[index], run, to: &buffer) }
      }
    }
  }

  private func writeEvents(_ run: Run, to buffer: inout RequestBuffer) {
    buffer.append("k")
    buffer.append(run.key)
    buffer.append(run.contentType?.name ?? "")
    buffer.append(run.form == .traced ? 1 : 0)
    buffer.append(run.outputs.count)
    for index in run.outputs {
      buffer.append(outputs[index].id)
      buffer.append(outputs[index].key ?? "")
      if run.form == .traced { buffer.append(outputs[index].trace?.traceparent ?? "") }
      buffer.append(outputs[index].body)
    }
  }

  private func write(_ output: OutgoingMessage, _ run: Run, to buffer: inout RequestBuffer) {
    let isDelayed = run.form == .delayed
    buffer.append(isDelayed ? "d" : "a")
    buffer.append(run.key)
    if isDelayed, let deliverAt = output.deliverAt {
      buffer.append(Int(milliseconds: deliverAt.timeIntervalSince1970 * 1000))
    }
    buffer.append(EntryEncoder.argumentCount(output))
    EntryEncoder.write(output, to: &buffer)
  }
}
