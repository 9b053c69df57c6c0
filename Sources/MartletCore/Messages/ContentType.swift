/// The media type of a body (RFC 9110), the common ones without an allocation.
public struct ContentType: Sendable, Hashable, CustomStringConvertible {
  enum Value: Sendable, Hashable {
    case json, text, bytes
    case other(String)
  }

  let value: Value

  /// `application/json`
  public static let json = ContentType(value: .json)
  /// `text/plain; charset=utf-8`
  public static let text = ContentType(value: .text)
  /// `application/octet-stream`
  public static let bytes = ContentType(value: .bytes)

  init(value: Value) { self.value = value }

  /// Any media type.
  public init(_ name: String) {
    switch name {
    case "application/json": value = .json
    case "text/plain; charset=utf-8": value = .text
    case "application/octet-stream": value = .bytes
    default: value = .other(name)
    }
  }

  /// The media type as it came over the wire.
  public init(utf8 name: UnsafeRawBufferPointer) {
    switch name.count {
    case 16 where name.equals("application/json"): value = .json
    case 25 where name.equals("text/plain; charset=utf-8"): value = .text
    case 24 where name.equals("application/octet-stream"): value = .bytes
    default: value = .other(String(decoding: name, as: UTF8.self))
    }
  }

  /// The media type as it goes over the wire.
  public var name: String {
    switch value {
    case .json: "application/json"
    case .text: "text/plain; charset=utf-8"
    case .bytes: "application/octet-stream"
    case .other(let name): name
    }
  }

  public var description: String { name }
}
