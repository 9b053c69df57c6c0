import MartletCore

/// A row of the table `hub`.
struct HubRow {
  /// Never used again, so it tells a hub from one of the same name that was made after it.
  let id: Int64
  let name: String
  let partitionCount: Int
  var retention: HubRetention

  var description: HubDescription {
    HubDescription(name: name, partitionCount: partitionCount, retention: retention)
  }
}
