@_exported import MartletCore
@_exported import MartletOperations
@_exported import MartletRuntime
