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
      fail("interrupted; what is left of the day waits on the broker, and a later run passes over it", code: 130)
    } catch {
      fail("\(error)", code: 1)
    }
  }

  private static func run(_ options: Options) async throws {
    if options.wantsHelp { return print(Options.help) }
    if options.isGenerating { return print(generated(options).csv, terminator: "") }

    let shop = Shop(prices: PriceService(latency: options.latency))
    let configuration = try HostConfiguration.load()
    if options.isWorker {
      if configuration.broker == "embedded:" {
        throw UsageError("--worker cannot join embedded: (memory), which belongs to one process")
      }
      try await FunctionApp("shop") { shop.functions }.run(configuration)
      return
    }
    let day = try Day(csv: csv(options), repetitions: options.repetitions)
    let ledger = Ledger()
    let app = FunctionApp("shop") {
      shop.functions
      Shop.summarize(into: ledger)
    }
    let report = Report(options.output, logger: configuration.logger)
    let summary = try await app.withHost(configuration) { host in
      try await Run(host: host, ledger: ledger, report: report, pace: options.pace).process(day)
    }
    try report.end(summary)
  }

  private static func csv(_ options: Options) throws -> [UInt8] {
    guard let input = options.input else { return Array(generated(options).csv.utf8) }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: input, isDirectory: &isFolder) else {
      throw UsageError("--input is \"\(input)\", which does not exist")
    }
    guard !isFolder.boolValue else { throw UsageError("--input is \"\(input)\", a folder; give one CSV file") }
    let bytes: [UInt8]
    do { bytes = Array(try Data(contentsOf: URL(filePath: input))) } catch {
      throw UsageError("--input is \"\(input)\", which cannot be read: \(error.localizedDescription)")
    }
    // A line that makes no sense is set aside alone; a file without any other is the wrong file.
    guard CSVReader(bytes).contains(where: { $0.fields.count == Order.columns.count }) else {
      throw UsageError(
        "--input is \"\(input)\", in which no line has the \(Order.columns.count) columns "
          + Order.columns.joined(separator: ","))
    }
    return bytes
  }

  private static func generated(_ options: Options) -> GeneratedDay {
    GeneratedDay(seed: options.seed, lines: options.lines)
  }

  private static func fail(_ message: String, code: Int32) -> Never {
    FileHandle.standardError.write(Data("orders: \(message)\n".utf8))
    exit(code)
  }
}
