/// The failure of an invocation that took longer than `functionTimeout`.
struct FunctionTimeout: Error, CustomStringConvertible {
  let limit: Duration
  var description: String { "the function took longer than its functionTimeout of \(limit)" }
}
