// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "Examples",
  dependencies: [.package(name: "Martlet", path: "..")],
  targets: [
    .executableTarget(
      name: "orders", dependencies: [.product(name: "Martlet", package: "Martlet")], path: "Orders",
      swiftSettings: [.treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "telemetry", dependencies: [.product(name: "Martlet", package: "Martlet")], path: "Telemetry",
      swiftSettings: [.treatAllWarnings(as: .error)]),
  ]
)
