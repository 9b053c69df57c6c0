// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

/// A module of ours and what it may import; `ArchitectureTests` holds the sources to it.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

/// A process that tests start, and kill.
func support(_ name: String, _ folder: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Tests/Support/\(folder)", swiftSettings: settings)
}

let package = Package(
  name: "Martlet",
  products: [
    .library(name: "Martlet", targets: ["Martlet"]),
    .library(name: "MartletTestKit", targets: ["MartletTestKit"]),
    .executable(name: "martlet-bench", targets: ["MartletBench"]),
  ],
  targets: [
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
    .systemLibrary(name: "CLinux"),
    module("MartletCore", ["CLinux"]),
    module("MartletRuntime", ["MartletCore"]),
    module("MartletOperations", ["MartletCore"]),
    module("MartletEmbedded", ["MartletCore", "CLinux", "CSQLite"]),
    module("MartletRedis", ["MartletCore", "CHiredis"]),
    module("MartletRabbitMQ", ["MartletCore", "CRabbitMQ"]),
    module(
      "Martlet",
      ["MartletCore", "MartletRuntime", "MartletOperations", "MartletEmbedded", "MartletRedis", "MartletRabbitMQ"]),
    module("MartletTestKit", ["Martlet"]),
    .target(
      name: "CBaseline",
      linkerSettings: ["hiredis", "rabbitmq", "simdjson", "sqlite3"].map { .linkedLibrary($0) }),
    .executableTarget(name: "MartletBench", dependencies: ["Martlet", "CBaseline"], swiftSettings: settings),
    tests("ArchitectureTests", ["MartletTestKit"]),
    tests("MartletCoreTests", ["MartletCore"]),
    tests("MartletRuntimeTests", ["MartletCore", "MartletRuntime", "MartletEmbedded", "MartletTestKit"]),
    tests("SimulationTests", ["MartletCore", "MartletRuntime"]),
    tests("MartletTests", ["Martlet"]),
    tests("MartletBenchTests", ["MartletBench", "CBaseline", "Martlet", "TestServers"]),
    tests("MartletTestKitTests", ["Martlet", "MartletTestKit", "TestServers"]),
    // The order example, built with the rest so that its parts can be tested; `Examples` builds it as a user does.
    .executableTarget(
      name: "OrdersExample", dependencies: ["Martlet"], path: "Examples/Orders",
      swiftSettings: [.treatAllWarnings(as: .error)]),
    tests("OrdersTests", ["OrdersExample", "Martlet"]),
    tests(
      "ExamplesTests", ["Martlet", "MartletTestKit", "TestServers"],
      exclude: ["recompute.py", "recompute_telemetry.py", "malformed.csv"]),
    tests(
      "ConformanceTests", ["Martlet", "MartletTestKit", "TestServers", .target(name: "conformance-worker")]),
    .target(
      name: "TestServers", dependencies: ["MartletCore", "MartletTestKit"], path: "Tests/Support/TestServers",
      swiftSettings: settings),
    tests("FaultTests", ["Martlet", "MartletTestKit", "TestServers", .target(name: "fault-worker")]),
    support("fault-worker", "FaultWorker", ["Martlet"]),
    support("conformance-worker", "ConformanceWorker", ["Martlet", "MartletTestKit"]),
    tests(
      "MartletEmbeddedTests",
      ["MartletCore", "MartletEmbedded", "MartletTestKit", "TestServers", "conformance-worker"],
      exclude: ["Golden"]),
    tests(
      "MartletRabbitMQTests",
      ["CRabbitMQ", "MartletCore", "MartletRabbitMQ", "MartletTestKit", "TestServers", "conformance-worker"],
      exclude: ["Golden"]),
    tests(
      "MartletRedisTests", ["MartletCore", "MartletRedis", "MartletTestKit", "TestServers"], exclude: ["Golden"]),
  ]
)
