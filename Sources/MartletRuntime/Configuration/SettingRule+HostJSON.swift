import Foundation
import MartletCore

extension SettingRule {
  /// All of `host.json`: Martlet's own section, and Azure's keys.
  static var hostJSON: SettingRule {
    .section(
      ignored(
        "aggregator", "applicationInsights", "concurrency", "customHandler", "eventHub", "extensionBundle",
        "healthMonitor", "http", "httpWorker", "id", "managedDependencies", "managedDependency",
        "metadataProviderTimeout", "queues", "sendCanceledInvocationsToWorker", "serviceBus", "singleton",
        "telemetryMode", "tracing", "watchDirectories", "watchFiles"
      ).merging([
        "$schema": .value { _, _ in },
        "version": .value { setting, draft in
          if case .string("2.0") = setting.value { return }
          draft.refuse(setting, needs: "\"2.0\"")
        },
        "martlet": martlet,
        "functions": .value { setting, draft in
          if let names = draft.names(setting) { draft.configuration.activeFunctions = names }
        },
        "functionTimeout": .duration(\.root.functionTimeout, FunctionOptions.Limits.functionTimeout, orForever: true),
        "retry": retry(\.root.retry),
        "logging": azureLogging,
        "extensions": extensions,
      ]) { $1 })
  }

  /// The `martlet` section.
  private static var martlet: SettingRule {
    .section(
      options(\.own).merging([
        "app": .value { setting, draft in
          if let app = draft.text(setting) { draft.configuration.app = app }
        },
        "broker": .value { setting, draft in draft.setBroker(setting) },
        "store": .value { setting, draft in draft.setStore(setting) },
        "connections": .named { name in .value { setting, draft in draft.setConnection(name, setting) } },
        "functions": .named { name in
          .section(
            options(\.configuration[optionsOf: name]).merging([
              "disabled": .value { setting, draft in
                if let value = draft.boolean(setting) { draft.setDisabled(name, value, setting) }
              }
            ]) { $1 }
          ).function(name)
        },
        "drainTimeout": .duration(\.configuration.drainTimeout, HostConfiguration.Limits.drainTimeout),
        "lease": .duration(\.configuration.lease, HostConfiguration.Limits.lease),
        "maxMessageBytes": .integer(\.configuration.maxMessageBytes, HostConfiguration.Limits.maxMessageBytes),
        "consumerTimeout": .duration(\.configuration.consumerTimeout, HostConfiguration.Limits.consumerTimeout),
        "allowVolatile": .boolean(\.configuration.allowVolatile),
        "exitWhenRefused": .boolean(\.configuration.exitWhenRefused),
        "logging": .section([
          "level": .value { setting, draft in
            if let level = draft.level(setting) { draft.ownLogLevel = level }
          },
          "format": .value { setting, draft in
            if let format = draft.format(setting) { draft.logFormat = format }
          },
        ]),
      ]) { $1 })
  }

  /// The options that a function can have, app-wide or of one function.
  private static func options(_ target: Target<FunctionOptions>) -> [String: SettingRule] {
    [
      "maxConcurrentCalls": .integer(
        target.appending(path: \.maxConcurrentCalls), FunctionOptions.Limits.maxConcurrentCalls),
      // A queue's and a hub's: what is said of all functions, or of one, means what it reads.
      "prefetchCount": .value { setting, draft in
        guard let count = draft.integer(setting, FunctionOptions.Limits.prefetchCount) else { return }
        draft[keyPath: target].prefetchCount = count
        draft[keyPath: target].events.prefetchCount = count
      },
      "deduplicate": .value { setting, draft in
        guard let window = draft.duration(setting, FunctionOptions.Limits.deduplicate) else { return }
        draft[keyPath: target].deduplicate = window
        draft[keyPath: target].events.deduplicate = window
      },
      "maxDequeueCount": .integer(target.appending(path: \.maxDequeueCount), FunctionOptions.Limits.maxDequeueCount),
      "visibilityTimeout": .duration(
        target.appending(path: \.visibilityTimeout), FunctionOptions.Limits.visibilityTimeout),
      "maxMessageBatchSize": .integer(
        target.appending(path: \.maxMessageBatchSize), FunctionOptions.Limits.maxMessageBatchSize),
      "minMessageBatchSize": .integer(
        target.appending(path: \.minMessageBatchSize), FunctionOptions.Limits.maxMessageBatchSize),
      "maxBatchWaitTime": .duration(
        target.appending(path: \.maxBatchWaitTime), FunctionOptions.Limits.maxBatchWaitTime),
      "functionTimeout": .duration(
        target.appending(path: \.functionTimeout), FunctionOptions.Limits.functionTimeout, orForever: true),
      "retry": retry(target.appending(path: \.retry)),
    ].merging(eventHubOptions(target.appending(path: \.events))) { $1 }
  }

  // MARK: Azure's own

  private static var azureLogging: SettingRule {
    .section(
      ignored("applicationInsights", "console", "fileLoggingMode").merging([
        "logLevel": .named { category in
          guard category.lowercased() == "default" else { return .ignored }
          return .value { setting, draft in
            if case .string(let text) = setting.value, text.lowercased() == "none" {
              draft.logLevel = .critical
              return
            }
            if let level = draft.level(setting) { draft.logLevel = level }
          }
        }
      ]) { $1 })
  }

  private static var extensions: SettingRule {
    .section(
      ignored(
        "blobs", "cosmosDB", "dapr", "documentDB", "durableTask", "eventGrid", "http", "kafka", "mySql",
        "notificationHubs", "redis", "sendGrid", "signalR", "sql", "tables", "twilio"
      ).merging([
        "serviceBus": serviceBus,
        "queues": queues,
        "eventHubs": eventHubs,
        "rabbitMQ": .section(
          ignored("connectionString", "disableCertificateValidation", "queueName").merging([
            "prefetchCount": .integer(\.rabbitMQ.prefetchCount, FunctionOptions.Limits.prefetchCount)
          ]) { $1 }),
      ]) { $1 })
  }

  private static var serviceBus: SettingRule {
    let all = options(\.serviceBus)
    let names = [
      "maxConcurrentCalls", "maxMessageBatchSize", "minMessageBatchSize", "maxBatchWaitTime",
    ]
    return .section(
      ignored(
        "autoCompleteMessages", "batchOptions", "clientRetryOptions", "enableCrossEntityTransactions",
        "maxAutoLockRenewalDuration", "maxConcurrentCallsPerSession", "maxConcurrentSessions", "messageHandlerOptions",
        "sessionHandlerOptions", "sessionIdleTimeout", "transportType", "webProxy"
      ).merging(all.filter { names.contains($0.key) }) { $1 }.merging([
        // Azure's default, 0, means that nothing is fetched ahead; here the pace decides then.
        "prefetchCount": .value { setting, draft in
          guard let count = draft.integer(setting, 0...FunctionOptions.Limits.prefetchCount.upperBound) else { return }
          draft.serviceBus.prefetchCount = count == 0 ? nil : count
        }
      ]) { $1 })
  }

  private static var queues: SettingRule {
    let names = ["maxDequeueCount", "visibilityTimeout"]
    return .section(
      ignored("maxPollingInterval", "messageEncoding").merging([
        "batchSize": .integer(\.batchSize, 1...32),
        "newBatchThreshold": .integer(\.newBatchThreshold, 0...9968),
      ]) { $1 }.merging(options(\.queues).filter { names.contains($0.key) }) { $1 })
  }

  private static func ignored(_ names: String...) -> [String: SettingRule] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, .ignored) })
  }

  /// The same rule; that the function was named, and where, is kept: it may not exist.
  private func function(_ name: String) -> SettingRule {
    .value { setting, draft in
      draft.configuration.functions[name] = draft.configuration[optionsOf: name]
      draft.configuration.places["functions.\(name)"] = setting.place
      apply(setting, name: "martlet.functions.\(name)", to: &draft)
    }
  }
}
