import Foundation
import MartletCore
import Testing

/// What became of one decoding, in a form in which two decoders can be compared.
enum Decoded<Value: Equatable>: Equatable, CustomStringConvertible {
  case value(Value)
  /// The kind of the error and where; Foundation does not say where malformed text is.
  case error(kind: String, path: [String]?)

  init(_ body: () throws -> Value) {
    do {
      self = .value(try body())
    } catch let error as DecodingError {
      switch error {
      case .typeMismatch(_, let context): self = .error(kind: "typeMismatch", path: Self.path(context))
      case .valueNotFound(_, let context): self = .error(kind: "valueNotFound", path: Self.path(context))
      case .keyNotFound(let key, let context):
        self = .error(kind: "keyNotFound", path: Self.path(context) + [key.stringValue])
      case .dataCorrupted: self = .error(kind: "dataCorrupted", path: nil)
      @unknown default: self = .error(kind: "unknown", path: nil)
      }
    } catch {
      self = .error(kind: "\(error)", path: nil)
    }
  }

  var isError: Bool { if case .error = self { true } else { false } }

  private static func path(_ context: DecodingError.Context) -> [String] { context.codingPath.map(\.stringValue) }

  var description: String {
    switch self {
    case .value(let value): "\(value)"
    case .error(let kind, let path): "\(kind) at \(path?.joined(separator: ".") ?? "?")"
    }
  }
}

/// Decodes with Foundation and with Martlet and expects the same value or the same error.
/// - Parameter anyError: which error comes first is chance, because dictionaries are inside.
func expectSame<Value: Decodable & Equatable>(
  _ type: Value.Type, _ text: some Collection<UInt8>, anyError: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let theirs = Decoded { try JSONDecoder().decode(type, from: Data(text)) }
  let ours = Decoded { try JSON.decode(type, from: Bytes(text)) }
  if ours != theirs, !(anyError && ours.isError && theirs.isError) {
    let shown = String(decoding: text.prefix(500), as: UTF8.self)
    Issue.record("\(type) of \(shown): \(ours), Foundation: \(theirs)", sourceLocation: sourceLocation)
  }
}

func expectSame<Value: Decodable & Equatable>(
  _ type: Value.Type, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) { expectSame(type, Array(text.utf8), sourceLocation: sourceLocation) }
