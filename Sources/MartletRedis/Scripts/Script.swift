/// A Lua script and how it is called: by digest, and in full once the server says that it does not know it.
final class Script {
  let source: String
  /// What `SCRIPT LOAD` answered; nil until then.
  var digest: String?

  init(_ source: String) { self.source = source }
}

/// All scripts of a broker. One server, one set; after a restart of the server they are loaded again.
struct Scripts {
  let commit = Script(CommitScript.source)
  let register = Script(LeaseScripts.register)
  let tend = Script(LeaseScripts.tend)
  let leave = Script(LeaseScripts.leave)
  let suspect = Script(SuspectScript.source)
  let move = Script(DelayScripts.move)
  let delay = Script(DelayScripts.delay)
  let remember = Script(RememberScript.source)

  let declareHub = Script(HubScripts.declare)
  let lookAtPartition = Script(HubScripts.look)
  let countEvents = Script(HubScripts.count)
  let trimPartition = Script(HubScripts.trim)
  let publishEvents = Script(HubScripts.publish)
  let attendGroup = Script(GroupScripts.attend)
  let claimPartition = Script(GroupScripts.claim)
  let releasePartition = Script(GroupScripts.release)
  let moveGroup = Script(GroupScripts.move)
  let commitPartition = Script(PartitionCommitScript.source)
  let probe = Script(PartitionCommitScript.probe)

  let all: [Script]

  init() {
    all = [
      commit, register, tend, leave, suspect, move, delay, remember, declareHub, lookAtPartition, countEvents,
      trimPartition, publishEvents, attendGroup, claimPartition, releasePartition, moveGroup, commitPartition, probe,
    ]
  }
}
