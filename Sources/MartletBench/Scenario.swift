/// What is measured.
enum Scenario: String, CaseIterable {
  /// Send, confirmed.
  case publish
  /// Receive, decode, run, settle.
  case consume
  /// Receive, decode, run, encode the result, send it, confirmed, settle.
  case pipe
  /// Send events with keys to a hub, confirmed.
  case hubPublish = "hub-publish"
  /// Read the partitions of a hub, decode, run, commit the position.
  case hubConsume = "hub-consume"
  /// Read the partitions of a hub, decode, run, encode the result, send it to another hub under the same key, commit.
  case hubPipe = "hub-pipe"

  var isOfHubs: Bool { self == .hubPublish || self == .hubConsume || self == .hubPipe }
  /// Whether it only sends.
  var isPublishing: Bool { self == .publish || self == .hubPublish }
  /// Whether every message has an output.
  var hasOutputs: Bool { self == .pipe || self == .hubPipe }
}

/// How a function of a hub gets its events.
enum HubTrigger: String, CaseIterable {
  /// Up to 100 at once.
  case batch
  /// One after another.
  case event
}

/// What the bodies are.
enum Payload: String, CaseIterable {
  /// An order with two lines in, its bill out.
  case json
  /// Bytes in, the first 50 of them out.
  case raw
}

/// How results are shown.
enum ReportFormat: String, CaseIterable {
  case text
  case json
}

/// Who does the work. Each run is a process of its own, so that its CPU time and memory are its alone.
enum Side: String, CaseIterable {
  /// A function app, as a user writes it.
  case martlet
  /// The program in C.
  case baseline
  /// The broker alone, without the runtime: what a change of either costs.
  case edge
  /// The runtime alone, over a broker in memory.
  case runtime
}
