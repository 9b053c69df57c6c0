/// Builds the list of functions of an app: single ones, groups, and those behind an `if`.
@resultBuilder
public enum FunctionBuilder {
  public static func buildExpression(_ function: Function) -> [Function] { [function] }
  public static func buildExpression(_ group: [Function]) -> [Function] { group }
  public static func buildBlock(_ parts: [Function]...) -> [Function] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [Function]?) -> [Function] { part ?? [] }
  public static func buildEither(first part: [Function]) -> [Function] { part }
  public static func buildEither(second part: [Function]) -> [Function] { part }
  public static func buildArray(_ parts: [[Function]]) -> [Function] { parts.flatMap { $0 } }
}
