public import MartletCore

/// What starts a function, and what the function gets.
public struct Trigger<Input: Sendable>: Sendable {
  /// How deliveries become the function's input.
  enum Binding: Sendable {
    case one(@Sendable (DeliveryReference) throws -> Input)
    case many(@Sendable ([DeliveryReference]) -> DecodedBatch<Input>)
    case events(EventDecoding<Input>)
  }

  let address: Address
  let options: FunctionOptions
  let binding: Binding
}

/// A batch after decoding: what cannot be read is set aside alone.
struct DecodedBatch<Input: Sendable>: Sendable {
  let input: Input
  let accepted: [DeliveryReference]
  let undecodable: [(delivery: DeliveryReference, error: any Error)]
}

extension Trigger {
  /// One invocation per message.
  /// - Parameters:
  ///   - name: the queue.
  ///   - maxConcurrentCalls: invocations side by side in one process, 1 to 10 000. Default 16 × cores.
  ///   - prefetchCount: messages held, running ones included. Default: follows the pace.
  ///   - maxDequeueCount: attempts before the dead letters where no `retry` is given. Default 5.
  ///   - visibilityTimeout: the wait before a failed message comes back where no `retry` is given. Default 0.
  ///   - deduplicate: for how long after a message came to its end others of its id are dropped, 1 s to 7 days. Default:
  ///     nothing is dropped.
  public static func queue<Body>(
    _ name: QueueName<Body>, maxConcurrentCalls: Int? = nil, prefetchCount: Int? = nil, maxDequeueCount: Int? = nil,
    visibilityTimeout: Duration? = nil, deduplicate: Duration? = nil
  ) -> Trigger where Input == Incoming<Body> {
    let decode = name.codec.decode
    return Trigger(
      address: name.address,
      options: FunctionOptions(
        maxConcurrentCalls: maxConcurrentCalls, prefetchCount: prefetchCount, maxDequeueCount: maxDequeueCount,
        visibilityTimeout: visibilityTimeout, deduplicate: deduplicate),
      binding: .one { delivery in
        do { return Incoming(body: try decode(delivery.value.message.body), delivery: delivery) } catch {
          throw Undecodable(underlying: error)
        }
      })
  }

  /// One invocation per batch of messages.
  /// - Parameters:
  ///   - name: the queue.
  ///   - maxMessageBatchSize: the most messages of a batch, 1 to 10 000.
  ///   - minMessageBatchSize: a batch waits for so many. Default 1.
  ///   - maxBatchWaitTime: how long it waits for them. Default 30 s.
  ///   - maxConcurrentCalls: batches side by side in one process. Default 1.
  ///   - prefetchCount: messages held, running ones included. Default: follows the pace.
  ///   - maxDequeueCount: attempts before the dead letters where no `retry` is given. Default 5.
  ///   - visibilityTimeout: the wait before a failed message comes back where no `retry` is given. Default 0.
  ///   - deduplicate: for how long after a message came to its end others of its id are dropped, 1 s to 7 days. Default:
  ///     nothing is dropped.
  public static func queue<Body>(
    _ name: QueueName<Body>, maxMessageBatchSize: Int, minMessageBatchSize: Int? = nil,
    maxBatchWaitTime: Duration? = nil, maxConcurrentCalls: Int? = nil, prefetchCount: Int? = nil,
    maxDequeueCount: Int? = nil, visibilityTimeout: Duration? = nil, deduplicate: Duration? = nil
  ) -> Trigger where Input == Batch<Body> {
    let decode = name.codec.decode
    return Trigger(
      address: name.address,
      options: FunctionOptions(
        maxConcurrentCalls: maxConcurrentCalls, prefetchCount: prefetchCount, maxDequeueCount: maxDequeueCount,
        visibilityTimeout: visibilityTimeout, maxMessageBatchSize: maxMessageBatchSize,
        minMessageBatchSize: minMessageBatchSize, maxBatchWaitTime: maxBatchWaitTime, deduplicate: deduplicate),
      binding: .many { deliveries in
        var messages: [Incoming<Body>] = []
        var accepted: [DeliveryReference] = []
        var undecodable: [(DeliveryReference, any Error)] = []
        messages.reserveCapacity(deliveries.count)
        for delivery in deliveries {
          do {
            messages.append(Incoming(body: try decode(delivery.value.message.body), delivery: delivery))
            accepted.append(delivery)
          } catch {
            undecodable.append((delivery, error))
          }
        }
        return DecodedBatch(input: Batch(messages: messages), accepted: accepted, undecodable: undecodable)
      })
  }
}

/// A body that the codec refused. It goes to the dead letters at once.
struct Undecodable: Error {
  let underlying: any Error
}
