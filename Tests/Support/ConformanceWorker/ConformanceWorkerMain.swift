import Martlet
import MartletTestKit

/// The process that the conformance suite kills and stops, with the brokers that are built in.
@main struct ConformanceWorkerMain {
  static func main() async {
    await ConformanceWorker.run { url, environment in try BrokerURL(url).open(environment) }
  }
}
