@_exported import MartletCore
@_exported import MartletRuntime
