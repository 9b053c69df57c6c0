/// Why a value of the document is not what was asked for. Cheap to throw through the readers; whoever knows the
/// coding path makes a `DecodingError` of it.
enum JSONValueError: Error {
  case mismatch(Any.Type)
  case null(Any.Type)
  case syntax(JSONSyntaxError)
  case corrupted(String)
}

extension JSONDocument {
  func error(_ error: JSONValueError, at node: Int) -> DecodingError {
    self.error(error, at: node, path: path(to: node))
  }

  func error(_ error: JSONValueError, at node: Int, path: [any CodingKey]) -> DecodingError {
    func context(_ text: String) -> DecodingError.Context {
      DecodingError.Context(codingPath: path, debugDescription: text)
    }
    switch error {
    case .mismatch(let type):
      return .typeMismatch(type, context("Expected \(type) but found \(description(of: node))."))
    case .null(let type):
      return .valueNotFound(type, context("Expected \(type) but found null."))
    case .syntax(let error):
      return .dataCorrupted(context(error.text(in: text)))
    case .corrupted(let text):
      return .dataCorrupted(context(text))
    }
  }

  private func description(of node: Int) -> String {
    switch token(node).pointee.kind {
    case .string: "a string"
    case .number: "a number"
    case .true, .false: "a bool"
    case .null: "null"
    case .object: "an object"
    case .array: "an array"
    }
  }
}
