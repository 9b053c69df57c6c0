import Foundation
import Martlet
import Testing

@testable import OrdersExample

@Suite struct OrderTests {
  private func order(_ text: String) throws -> Order { try Order(csv: text, origin: Origin(run: "r", line: 1)) }

  @Test func readsALine() throws {
    let order = try order("536381,82567,\"AIRLINE LOUNGE,METAL SIGN\",2,2010-12-01 09:41:00,2.1,15311.0,United Kingdom")
    #expect(order.invoice == "536381")
    #expect(order.description == "AIRLINE LOUNGE,METAL SIGN")
    #expect(order.quantity == 2)
    #expect(order.date == Date(timeIntervalSince1970: 1_291_196_460))
    #expect(order.unitPrice == Decimal(string: "2.1"))
    #expect(order.country == "United Kingdom")
    #expect(!order.isCancellation)
  }

  @Test(arguments: [
    "C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527.0,United Kingdom",
    "536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom",
    "536414,22139,x,1,2010-12-01 11:52:00,-11062.06,,United Kingdom",
    "536414,22139,x,+1, 2010-12-01 11:52:00 ,3,,United Kingdom",
  ])
  func takesReturnsPricesOfZeroOrBelowAndLinesWithoutACustomer(_ text: String) throws {
    #expect(throws: Never.self) { try order(text) }
  }

  @Test(arguments: [
    "yesterday", "", "2010-12-01", "2010-02-30 08:26:00", "2010-12-01 24:26:00", "2010-12-01 08:26:00x",
  ])
  func rejectsADateThatIsNone(_ date: String) {
    let reason = "InvoiceDate is \"\(date)\", not a time like 2010-12-01 08:26:00"
    #expect(throws: Outcome.deadLetter(reason)) { try order("536365,85123A,x,6,\(date),2.55,,UK") }
  }

  @Test(arguments: [
    ("536365,85123A,x,6,2010-12-01 08:26:00,2.55,17850.0", "8 columns are needed, not 7"),
    ("536365,85123A,x,6,2010-12-01 08:26:00,2.55,17850.0,UK,x", "8 columns are needed, not 9"),
    ("", "8 columns are needed, not 0"),
    (" ,85123A,x,6,2010-12-01 08:26:00,2.55,,UK", "InvoiceNo is empty"),
    ("536365,,x,6,2010-12-01 08:26:00,2.55,,UK", "StockCode is empty"),
    ("536365,85123A,x,six,2010-12-01 08:26:00,2.55,,UK", "Quantity is \"six\", not a whole number"),
    ("536365,85123A,x,,2010-12-01 08:26:00,2.55,,UK", "Quantity is \"\", not a whole number"),
    ("536365,85123A,x,6,2010-12-01 08:26:00,2.5O,,UK", "UnitPrice is \"2.5O\", not a number like 2.55"),
    ("536365,85123A,x,6,2010-12-01 08:26:00,NaN,,UK", "UnitPrice is \"NaN\", not a number like 2.55"),
  ])
  func rejectsABadLineWithTheReason(_ text: String, _ reason: String) {
    #expect(throws: Outcome.deadLetter(reason)) { try order(text) }
  }
}
