import Martlet

extension HubConformance.Case {
  static let members = [attendance, forgottenMembers, separateMembers]

  static let attendance = Self("members of a group hear of each other") { trial in
    let brokers = try await trial.brokers()
    let observers = try await trial.observers(of: brokers)
    let group = trial.group(of: trial.hub())
    let expiration = Duration.seconds(30)
    let start = ContinuousClock.now
    let alone = try await brokers.store.attend(group, as: "a", expiration: expiration)
    let heard = ContinuousClock.now
    try expectEqual(alone.map(\.id), ["a"], "the members that the first one hears of")
    await trial.pass(.milliseconds(400))
    let asked = ContinuousClock.now
    let both = try await observers.store.attend(group, as: "b", expiration: expiration)
    let answered = ContinuousClock.now
    try expectEqual(both.map(\.id).sorted(), ["a", "b"], "the members that the second one hears of")
    // A store's clock may count milliseconds, and not quite as ours.
    let inexact = Duration.milliseconds(20)
    for member in both {
      let least = member.id == "a" ? asked - heard : .zero
      let most = answered - (member.id == "a" ? start : asked)
      try expect(
        (least - inexact...most + inexact).contains(member.silence),
        "\(member.id) should have been silent for \(least) to \(most); it was \(member.silence)")
    }
    let again = try await brokers.store.attend(group, as: "a", expiration: expiration)
    for member in again where member.id == "a" {
      try expect(member.silence < .milliseconds(390), "who attends is not silent: \(member.silence)")
    }
    try await observers.store.leave(group, as: "b")
    try await observers.store.leave(group, as: "nobody")
    let left = try await brokers.store.attend(group, as: "a", expiration: expiration)
    try expectEqual(left.map(\.id), ["a"], "the members when the second one has left")
  }

  static let forgottenMembers = Self("a member that is silent for ten expirations is forgotten") { trial in
    let brokers = try await trial.brokers()
    let group = trial.group(of: trial.hub())
    let expiration = Duration.milliseconds(200)
    let start = ContinuousClock.now
    _ = try await brokers.store.attend(group, as: "gone", expiration: expiration)
    try await trial.eventually("the silent member is forgotten") {
      let members = try await brokers.store.attend(group, as: "here", expiration: expiration)
      let time = ContinuousClock.now - start
      let isKnown = members.contains { $0.id == "gone" }
      try expect(isKnown || time > expiration * 10 - .milliseconds(20), "a member was forgotten after \(time)")
      return !isKnown
    }
  }

  static let separateMembers = Self("groups do not share members") { trial in
    let brokers = try await trial.brokers()
    let hub = trial.hub()
    let groups = [trial.group("a", of: hub), trial.group("b", of: hub), trial.group("a", of: trial.hub("other"))]
    for (index, group) in groups.enumerated() {
      let members = try await brokers.store.attend(group, as: "m\(index)", expiration: .seconds(30))
      try expectEqual(members.map(\.id), ["m\(index)"], "the members of \(group)")
    }
  }
}
