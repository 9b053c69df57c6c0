import Foundation

/// The host and port of a broker's URL, to put a proxy before them.
struct URLAuthority {
  let host: String
  let port: UInt16
  private let components: URLComponents

  init(of url: String) throws {
    let standardPorts = ["redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671]
    guard let components = URLComponents(string: url), let host = components.host,
      let port = components.port ?? standardPorts[components.scheme ?? ""], let port = UInt16(exactly: port)
    else { throw ConformanceFailure("a proxy needs a URL with host and port") }
    self.components = components
    self.host = host
    self.port = port
  }

  func replaced(host: String, port: UInt16) -> String {
    var components = components
    components.host = host
    components.port = Int(port)
    return components.string ?? ""
  }
}
