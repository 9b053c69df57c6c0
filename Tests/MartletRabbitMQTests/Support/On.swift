/// Calls a mutating method inside of `#expect`, which otherwise works on a copy.
func on<Value, Result>(_ value: inout Value, _ body: (inout Value) -> Result) -> Result { body(&value) }
