import Martlet

/// The hubs of the example. The key of every event is a device of one run: `RUN/machine-3`.
extension HubName<String> {
  /// What devices send, undecoded: `timestamp,value`, and `end` behind the last one.
  static let lines = Self("telemetry-lines", partitions: Fleet.partitions)
}
extension HubName<Reading> { static let readings = Self("telemetry-readings", partitions: Fleet.partitions) }
extension HubName<Alert> { static let alerts = Self("telemetry-alerts", partitions: 4) }
extension HubName<Finding> { static let findings = Self("telemetry-findings", partitions: 1) }

/// What all processes of the example must agree on.
enum Fleet {
  static let partitions = 16
}
