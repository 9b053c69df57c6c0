import CBaseline
import Martlet

/// What the function gets: the order that `baseline_write_body` writes.
struct Order: Codable, Sendable {
  struct Line: Codable, Sendable {
    var sku: String
    var name: String
    var quantity: Int
    var price: Double
  }

  var id: String
  var customer: Int
  var country: String
  var lines: [Line]
  var note: String
}

/// What the function returns, 50 bytes in JSON.
struct Bill: Codable, Sendable {
  var id: String
  var lines: Int
  var total: Double
}

/// What a function can answer with its bill.
protocol Billable: Codable, Sendable {
  associatedtype Bill: Codable & Sendable
  var bill: Bill { get }
}

extension Order: Billable {
  /// The shortest order in JSON.
  static var leastBytes: Int { baseline_min_json_bytes() }

  /// The same for the same number, but for its id.
  init(number: Int, note: String, id: String = String(MessageIdentifier.random().prefix(16))) {
    self.id = id
    customer = 12_000 + number % 6_000
    country = "United Kingdom"
    lines = [
      Line(sku: "85123A", name: "HANGING HEART", quantity: 1 + number % 12, price: 2 + Double(number % 97) / 100),
      Line(sku: "71053", name: "LANTERN", quantity: 1 + number % 7, price: 3 + Double(number % 89) / 100),
    ]
    self.note = note
  }

  /// The note that makes orders as long as is asked for, or a few bytes shorter.
  static func note(forBodyBytes bytes: Int) throws -> String {
    let longest = try JSON.encode(Order(number: 12 * 97 * 89 - 1, note: "")).count
    return String(repeating: "-", count: max(0, bytes - longest))
  }

  var bill: Bill {
    let total = lines.reduce(0) { $0 + Double($1.quantity) * $1.price }
    return Bill(id: id, lines: lines.count, total: (total * 100).rounded() / 100)
  }
}

extension Bytes: Billable {
  /// What the function returns where bodies are bytes.
  var bill: Bytes { self[0..<Swift.min(50, count)] }
}
