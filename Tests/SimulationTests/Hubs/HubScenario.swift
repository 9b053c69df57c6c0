@testable import MartletRuntime

/// What one seed simulates: an app on an event hub, its events and the faults that may happen.
struct HubScenario {
  enum Shape: CaseIterable { case whole, results, single, state, stateResults }

  let seed: UInt64
  var shape: Shape
  var options: FunctionOptions
  var partitions: Int
  var processes: Int
  var keys: Int
  /// How many keys' values a partition keeps in memory.
  var mostValues: Int
  /// Whether outputs go to another broker, so that a commit has two steps.
  var crossesBrokers: Bool
  /// Whether a reader is sometimes lost before its owner knows it.
  var losesReaders: Bool
  /// How many faults may happen: processes killed, frozen, drained or started; outages of the store.
  var faults: Int
  /// What each event does, attempt by attempt; see `Operation`.
  var scripts: [String]
  /// Behind each event, the number of an earlier one that comes once more then; empty where repeats are not dropped.
  var repeats: [Int?]
  /// Of a hundred events, how many have no output when they succeed: their commits only move the position.
  var silent: Int

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var second = SeededGenerator(seed: seed ^ 0xdedb)
    // Some have more partitions than slots, and more keys than lanes and than what is kept of their values.
    let isWide = second.chance(3)
    self.seed = seed
    shape = Shape.allCases.randomElement(using: &generator) ?? .whole
    let usual = Int.random(in: 1...4, using: &generator)
    partitions = isWide ? Int.random(in: 5...12, using: &second) : usual
    processes = Int.random(in: 1...3, using: &generator)
    let few = Int.random(in: 1...5, using: &generator)
    keys = isWide ? Int.random(in: 6...40, using: &second) : few
    crossesBrokers = generator.chance(20)
    faults = generator.chance(25) ? 0 : Int.random(in: 1...4, using: &generator)
    let most = Int.random(in: 1...5, using: &generator)
    let prefetch = Int.random(in: 1...8, using: &generator)
    var events = EventHubOptions(
      maxEventBatchSize: most, minEventBatchSize: Int.random(in: 1...most, using: &generator),
      maxWaitTime: .milliseconds(Int.random(in: 0...100, using: &generator)),
      batchCheckpointFrequency: generator.chance(50) ? 1 : Int.random(in: 2...4, using: &generator),
      prefetchCount: prefetch, partitionOwnershipExpirationInterval: .seconds(1),
      loadBalancingUpdateInterval: .milliseconds(100), handOverTimeout: .seconds(1),
      lanes: (generator.chance(50) ? 1 : Int.random(in: 2...3, using: &generator)) * (isWide ? 3 : 1),
      maxOutstanding: Int.random(in: prefetch...16, using: &generator))
    events.onFailure = generator.chance(70) ? .deadLetter : .skip
    mostValues = second.chance(50) ? Int.random(in: 0...3, using: &second) : 100
    let deduplicates = second.chance(30)
    if deduplicates { events.deduplicate = .seconds(3600) }
    events.batchFailure = generator.chance(70) ? .bisect : .whole
    let retries = Int.random(in: 0...3, using: &generator)
    // Often fewer than there are partitions and lanes.
    let slots = second.chance(40) ? Int.random(in: 1...3, using: &second) : 32
    options = FunctionOptions(
      maxConcurrentCalls: slots, functionTimeout: .milliseconds(200),
      retry: generator.chance(50)
        ? .fixedDelay(maxRetryCount: retries, delayInterval: .milliseconds(20), immediateRetryCount: min(1, retries))
        : .exponentialBackoff(
          maxRetryCount: retries, minimumInterval: .milliseconds(10), maximumInterval: .milliseconds(100)),
      events: events)
    losesReaders = second.chance(8)
    let hasStubborn = second.chance(2)
    let operations = Operation.allCases.filter { !$0.isForOne && ($0 != .stubborn || hasStubborn) }
    let scripts = (0..<Int.random(in: 3...20, using: &generator) * (isWide ? 2 : 1)).map { _ in
      if generator.chance(4) { return "!" }
      // Most events are good: a fault needs innocent neighbours.
      if generator.chance(60) { return "s" }
      return String(
        (0..<Int.random(in: 1...3, using: &generator)).map { _ in
          (operations.randomElement(using: &generator) ?? .success).rawValue
        })
    }
    self.scripts = scripts
    repeats =
      deduplicates
      ? scripts.indices.map { number in
        guard second.chance(30) else { return nil }
        return (0...number).filter { scripts[$0] != "!" }.randomElement(using: &second)
      } : []
    let silent = [0, 0, 50, 100].randomElement(using: &second) ?? 0
    self.silent = shape == .state || shape == .stateResults ? 0 : silent
  }

  /// Single events that behave as scripted, one for each partition in turn, and no faults.
  static func plain(_ scripts: [String], partitions: Int, maxConcurrentCalls: Int = 32) -> HubScenario {
    var scenario = HubScenario(seed: 1)
    scenario.shape = .single
    scenario.partitions = partitions
    scenario.keys = partitions
    scenario.processes = 1
    scenario.faults = 0
    scenario.crossesBrokers = false
    scenario.repeats = []
    scenario.losesReaders = false
    scenario.silent = 0
    scenario.scripts = scripts
    var events = EventHubOptions(
      maxEventBatchSize: 2, partitionOwnershipExpirationInterval: .seconds(1),
      loadBalancingUpdateInterval: .milliseconds(100))
    events.onFailure = .deadLetter
    scenario.options = FunctionOptions(
      maxConcurrentCalls: maxConcurrentCalls, functionTimeout: .milliseconds(200),
      retry: .fixedDelay(maxRetryCount: 0, delayInterval: .zero), events: events)
    return scenario
  }

  var isStateful: Bool { shape == .state || shape == .stateResults }
  func key(of event: Int) -> String { "k\(event % keys)" }
  func isSilent(_ event: String) -> Bool { (Int(event.dropFirst()) ?? 0) * 37 % 100 < silent }
  func partition(of event: Int) -> Int { (event % keys) % partitions }
}
