import Foundation
import Martlet

extension BrokerConformance.Case {
  static let restarts = [restartInMidStream]

  static let restartInMidStream = Self(
    "a restart of the broker in mid-stream loses nothing and is waited for", needs: [.restart]
  ) { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    for start in stride(from: 0, to: 1000, by: 250) {
      try await broker.publish((start..<start + 250).map { .text("m\($0)", to: input) })
    }
    var delayed = OutgoingMessage.text("m-delayed", to: input)
    delayed.deliverAt = Date().addingTimeInterval(2)
    try await broker.publish([delayed])
    let receiver = try await trial.receiver(broker, on: input, prefetch: 10)
    let pipe = Pipe(receiver, to: output)
    try await trial.eventually("100 outputs are there") { try await broker.counts(of: output).ready >= 100 }
    async let restarted: Void? = trial.suite.restart?()
    // One message that is handed in while the broker is away, or about to go.
    for index in 0..<20 { try await broker.publish([.text("m-late\(index)", to: input)]) }
    _ = try await restarted
    try await broker.publish([.text("m-behind", to: input)])
    let ids = (0..<1000).map { "out-m\($0)" }
    let more = ["out-m-delayed", "out-m-behind"] + (0..<20).map { "out-m-late\($0)" }
    // What was confirmed before the restart has one effect; a publish that was cut off may have been repeated.
    try await trial.expectOutputs(
      ids, in: output, of: broker, mayRepeat: Set(more), from: pipe, emptying: input)
  }
}
