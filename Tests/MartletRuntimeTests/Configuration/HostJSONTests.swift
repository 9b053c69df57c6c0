import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

struct HostJSONTests {
  @Test func `reads every option of the own section`() throws {
    let configuration = try ConfigurationFixture.read(
      """
      {
        "version": "2.0",
        "martlet": {
          "app": "shop-eu",
          "broker": "redis://broker.example:6379",
          "connections": {"archive": "embedded:/var/archive"},
          "maxConcurrentCalls": 8,
          "prefetchCount": 100,
          "maxDequeueCount": 7,
          "visibilityTimeout": "00:00:02",
          "maxMessageBatchSize": 50,
          "minMessageBatchSize": 10,
          "maxBatchWaitTime": "00:00:00.250",
          "functionTimeout": "00:01:00",
          "retry": {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:05"},
          "store": "redis://store.example", "maxEventBatchSize": 64, "minEventBatchSize": 2,
          "maxWaitTime": "00:00:05", "batchCheckpointFrequency": 4, "initialOffsetOptions": {"type": "fromEnd"},
          "partitionOwnershipExpirationInterval": "00:00:20", "loadBalancingUpdateInterval": "00:00:00.500",
          "handOverTimeout": "00:00:30", "lanes": 8, "maxOutstanding": 1000, "onFailure": "skip",
          "batchFailure": "whole", "onRetentionGap": "fail", "deduplicate": "00:10:00",
          "functions": {"bill": {"maxConcurrentCalls": 1, "functionTimeout": "-1"}, "page": {"disabled": true}},
          "drainTimeout": "00:00:50", "lease": "00:00:30", "maxMessageBytes": 1048576, "consumerTimeout": "01:00:00",
          "allowVolatile": true,
          "logging": {"level": "debug", "format": "json"}
        }
      }
      """)
    #expect(configuration.problems.isEmpty)
    #expect(configuration.app == "shop-eu")
    #expect(configuration.broker == "redis://broker.example:6379")
    #expect(configuration.connections == ["archive": "embedded:/var/archive"])
    #expect(
      configuration.options
        == FunctionOptions(
          maxConcurrentCalls: 8, prefetchCount: 100, maxDequeueCount: 7, visibilityTimeout: .seconds(2),
          maxMessageBatchSize: 50, minMessageBatchSize: 10, maxBatchWaitTime: .milliseconds(250),
          functionTimeout: .seconds(60), retry: .fixedDelay(maxRetryCount: 2, delayInterval: .seconds(5)),
          deduplicate: .seconds(600),
          events: EventHubOptions(
            maxEventBatchSize: 64, minEventBatchSize: 2, maxWaitTime: .seconds(5), batchCheckpointFrequency: 4,
            prefetchCount: 100, initialOffset: .fromEnd, partitionOwnershipExpirationInterval: .seconds(20),
            loadBalancingUpdateInterval: .milliseconds(500), handOverTimeout: .seconds(30), lanes: 8,
            maxOutstanding: 1000, onFailure: .skip, batchFailure: .whole, onRetentionGap: .fail,
            deduplicate: .seconds(600))))
    #expect(configuration.store == "redis://store.example")
    #expect(
      configuration.functions["bill"] == FunctionOptions(maxConcurrentCalls: 1, functionTimeout: .seconds(-1)))
    #expect(configuration.disabledFunctions == ["page"])
    #expect(configuration.drainTimeout == .seconds(50))
    #expect(configuration.lease == .seconds(30))
    #expect(configuration.maxMessageBytes == 1 << 20)
    #expect(configuration.consumerTimeout == .seconds(3600))
    #expect(configuration.allowVolatile)
    #expect(configuration.logger.level == .debug)
  }

  @Test func `carries over a host.json of Azure`() throws {
    let configuration = try ConfigurationFixture.read(
      """
      // with comments
      {
        "version": "2.0",
        "functionTimeout": "00:05:00",
        "functions": ["bill", "page"],
        "retry": {"strategy": "exponentialBackoff", "maxRetryCount": 5,
                  "minimumInterval": "00:00:05", "maximumInterval": "00:15:00"},
        "logging": {"logLevel": {"default": "Warning", "Host.Results": "Error"}, "fileLoggingMode": "debugOnly"},
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "extensions": {
          "serviceBus": {"prefetchCount": 0, "maxConcurrentCalls": 32, "autoCompleteMessages": true,
                         "maxMessageBatchSize": 200, "minMessageBatchSize": 5, "maxBatchWaitTime": "00:00:45",
                         "clientRetryOptions": {"mode": "exponential"}},
          "queues": {"maxDequeueCount": 3, "visibilityTimeout": "00:00:30", "batchSize": 8, "newBatchThreshold": 4},
          "rabbitMQ": {"prefetchCount": 30},
          "eventHubs": {"maxEventBatchSize": 100, "prefetchCount": 500, "transportType": "amqpTcp",
                        "initialOffsetOptions": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": "2026-11-21T12:00:00Z"}}
        }
      }
      """)
    #expect(configuration.problems.isEmpty)
    #expect(
      configuration.options
        == FunctionOptions(
          maxConcurrentCalls: 32, prefetchCount: 30, maxDequeueCount: 3, visibilityTimeout: .seconds(30),
          maxMessageBatchSize: 200, minMessageBatchSize: 5, maxBatchWaitTime: .seconds(45),
          functionTimeout: .seconds(300),
          retry: .exponentialBackoff(
            maxRetryCount: 5, minimumInterval: .seconds(5), maximumInterval: .seconds(900)),
          events: EventHubOptions(
            maxEventBatchSize: 100, prefetchCount: 500,
            initialOffset: .fromEnqueuedTime(Date(timeIntervalSince1970: 1_795_262_400)))))
    #expect(configuration.activeFunctions == ["bill", "page"])
    #expect(configuration.logger.level == .warning)
    #expect(
      configuration.ignored == [
        "logging.logLevel.Host.Results", "logging.fileLoggingMode", "extensionBundle",
        "extensions.serviceBus.autoCompleteMessages", "extensions.serviceBus.clientRetryOptions",
        "extensions.eventHubs.transportType",
      ])
  }

  @Test func `the own section wins over Azure's, service bus over queues`() throws {
    let configuration = try ConfigurationFixture.read(
      """
      {"functionTimeout": "00:05:00", "martlet": {"functionTimeout": "00:00:10", "maxDequeueCount": 9},
       "extensions": {"queues": {"batchSize": 1, "newBatchThreshold": 0, "maxDequeueCount": 3}}}
      """)
    #expect(configuration.problems.isEmpty)
    #expect(
      configuration.options
        == FunctionOptions(maxConcurrentCalls: 1, maxDequeueCount: 9, functionTimeout: .seconds(10)))
  }

  @Test func `keys count without case, null counts as absent, CRLF and a byte order mark are skipped`() throws {
    let configuration = try ConfigurationFixture.read(
      "\u{feff}{\r\n \"MARTLET\": {\"DrainTimeout\": \"00:00:01\", \"lease\": null},\r\n \"$schema\": \"x\"}\r\n")
    #expect(configuration.problems.isEmpty)
    #expect(configuration.drainTimeout == .seconds(1))
    #expect(configuration.lease == .seconds(10))
  }

  @Test func `defaults`() throws {
    let configuration = try ConfigurationFixture.read()
    #expect(configuration.problems.isEmpty)
    #expect(configuration.broker == "embedded:./data")
    #expect(configuration.connections.isEmpty)
    #expect(configuration.options == FunctionOptions())
    #expect(configuration.drainTimeout == .seconds(25))
    #expect(configuration.lease == .seconds(10))
    #expect(configuration.maxMessageBytes == 16 << 20)
    #expect(!configuration.allowVolatile)
    #expect(configuration.logger.level == .information)
  }
}
