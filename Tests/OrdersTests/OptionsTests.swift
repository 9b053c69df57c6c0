import Testing

@testable import OrdersExample

@Suite struct OptionsTests {
  @Test func readsValuesInBothForms() throws {
    let arguments = "--input a.csv --broker=redis://h?x=y -o json --repeat=3 --pace 1.5"
    let options = try Options(arguments.split(separator: " ").map(String.init))
    #expect(options.input == "a.csv")
    #expect(options.output == .json)
    #expect(options.repetitions == 3)
    #expect(options.pace == 1.5)
  }

  @Test(arguments: [
    (["--pace", "abc"], "--pace is \"abc\"; it must be a number of lines per second, like 100"),
    (["--repeat"], "--repeat needs a value: a whole number from 1 to 10000"),
    (["--worker=yes"], "--worker takes no value; it was given \"yes\""),
    (["--inptu"], "\"--inptu\" is not an option; orders --help shows all"),
    (["--broker"], "--broker needs a value: see --help"),
  ])
  func namesTheOptionTheValueAndTheWayOut(_ arguments: [String], _ message: String) {
    #expect { try Options(arguments) } throws: { ($0 as? UsageError)?.message == message }
  }
}
