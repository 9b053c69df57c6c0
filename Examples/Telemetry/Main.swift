import Foundation
import Martlet

@main
struct Main {
  static func main() async {
    do {
      try await run(Options(Array(CommandLine.arguments.dropFirst())))
    } catch let error as UsageError {
      fail(error.message, code: 64)
    } catch let error as ConfigurationError {
      fail(error.description, code: 78)
    } catch is CancellationError {
      fail("interrupted; what is left waits in the hubs", code: 130)
    } catch {
      fail("\(error)", code: 1)
    }
  }

  private static func run(_ options: Options) async throws {
    if options.wantsHelp { return print(Options.help) }
    if options.isHealthCheck {
      guard let file = options.healthFile else { throw UsageError("--healthcheck needs --health-file FILE") }
      return try HealthFile(path: file).check()
    }
    let made = { Source(devices: options.devices, readings: options.readings, seed: options.seed) }
    if options.isGenerating {
      for device in made().devices { for line in device.lines { print("\(device.name),\(line)") } }
      return
    }
    let configuration = try HostConfiguration.load()
    if configuration.broker == "embedded:", options.isWorker || options.workers > 0 || options.isWorkElsewhere {
      throw UsageError("workers cannot share embedded: (memory), which belongs to one process; give it a folder")
    }
    let telemetry = Telemetry(tally: Tally())
    if options.isWorker {
      return try await work(telemetry, configuration, options.healthFile.map { HealthFile(path: $0) })
    }

    let source = try options.input.map { try Source(files: $0, copies: options.copies) } ?? made()
    let run = String(UInt64.random(in: 0 ... .max), radix: 36)
    let collector = Collector(run: run)
    let app = FunctionApp("telemetry") {
      if options.workers == 0, !options.isWorkElsewhere { telemetry.functions }
      Telemetry.collect(into: collector, run: run)
    }
    let report = Report(options.output)
    let fleet = Workers(arguments: options.shared)
    let devices = try await app.withHost(configuration) { host in
      telemetry.tally.begin(host)
      defer { fleet.killAll() }
      for _ in 0..<options.workers { try fleet.start() }
      let chaos = options.killEvery.map { seconds in Task { try await fleet.killBusiest(every: .seconds(seconds)) } }
      defer { chaos?.cancel() }
      let devices = try await Run(
        host: host, collector: collector, report: report, pace: options.pace, whenMostIsSent: fleet.spareTheRest
      ).process(source, run: run)
      chaos?.cancel()
      await fleet.stop()
      // This run had a group of its own, of which the broker need remember nothing.
      try await host.operations(on: .findings).release(Telemetry.group(of: run))
      return devices
    }
    if options.workers == 0, !options.isWorkElsewhere { fleet.enter(telemetry.tally.counts) }
    try report.end(devices, fleet.summary(of: run))
  }

  /// A worker: runs the functions and, while they run, says four times a second what it did.
  private static func work(
    _ telemetry: Telemetry, _ configuration: HostConfiguration, _ health: HealthFile?
  ) async throws {
    Tally.diesAtWork()
    try await FunctionApp("telemetry") { telemetry.functions }.withHost(configuration) { host in
      telemetry.tally.begin(host)
      // Until SIGTERM cancels it. Nobody calls it healthy before its brokers have answered.
      while !Task.isCancelled {
        say(telemetry.tally.counts)
        do { try health?.touch() } catch { fail("the health file cannot be written: \(error)", code: 1) }
        try? await Task.sleep(for: .milliseconds(250))
      }
    }
    say(telemetry.tally.counts)
  }

  private static func say(_ counts: Tally.Counts) {
    guard var line = try? JSONEncoder().encode(counts) else { return }
    line.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(line)
  }

  private static func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("telemetry: \(message)\n".utf8))
    exit(code)
  }
}
