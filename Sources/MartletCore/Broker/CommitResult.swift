/// What a broker answers to a commit group.
public enum CommitResult: Sendable {
  /// All of it is durable, now or by an earlier send of the same number.
  case applied
  /// The consumer no longer holds the messages (its lease or channel ended): the settlements are void, the messages
  /// come back, here or elsewhere. On RabbitMQ outputs may have left; they carry the ids that they will carry again.
  case ownershipLost
  /// The entries of these indices cannot be applied, whoever tries (an output's queue is missing, a body too large; a
  /// message of the same id was faster, see `Deduplication`).
  /// Nothing of theirs was; all other entries are applied.
  case refused([Int: BrokerError])
}
