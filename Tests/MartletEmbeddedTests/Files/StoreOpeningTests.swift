import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct StoreOpeningTests {
  @Test func aPathIsAFolderOrAFile() throws {
    #expect(try EmbeddedLocation(path: nil).file == nil)
    #expect(try EmbeddedLocation(path: "").file == nil)
    #expect(try EmbeddedLocation(path: "./data").file == "./data/martlet.db")
    #expect(try EmbeddedLocation(path: "/data/").file == "/data/martlet.db")
    #expect(try EmbeddedLocation(path: "x/y.db").file == "x/y.db")
    #expect(try EmbeddedLocation(path: "x/y.db").directory == "x")
    #expect(try EmbeddedLocation(path: "y.db").directory == ".")
    #expect(try EmbeddedLocation(path: "/y.db").directory == "/")
    #expect(throws: BrokerError.self) { try EmbeddedLocation(path: "a\0b") }
    #expect(throws: BrokerError.self) { try EmbeddedLocation(path: String(repeating: "a", count: 5000)) }
  }

  /// What `start` says about a file.
  private func refusal(_ path: String) async throws -> BrokerError? {
    let broker = try EmbeddedBroker(path: path, environment: BrokerEnvironment(app: "test"))
    defer { withExtendedLifetime(broker) {} }
    do {
      try await broker.start(deadline: .now + .seconds(30))
    } catch {
      await #expect(throws: BrokerError.self) { try await broker.send("a", to: "q") }
      await broker.shut()
      return error
    }
    await broker.shut()
    return nil
  }

  private func database(_ sql: String, at file: String) throws {
    try Database(path: file, mayCreate: true).execute(sql)
  }

  @Test func makesTheFolderAndOpensAgain() async throws {
    let scratch = try Scratch()
    #expect(try await refusal(scratch.path + "/a/b/c") == nil)
    #expect(FileManager.default.fileExists(atPath: scratch.path + "/a/b/c/martlet.db"))
    #expect(try await refusal(scratch.path + "/a/b/c") == nil)
  }

  @Test func refusesALaterVersion() async throws {
    let scratch = try Scratch()
    try database("PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = 99", at: scratch.file)
    let error = try #require(try await refusal(scratch.path))
    #expect(error.code == .conflict && !error.isRetriable)
    #expect(error.message.contains("later Martlet (store version 99, this one knows 3)"))
  }

  @Test func refusesTheDatabaseOfAnotherApplication() async throws {
    let scratch = try Scratch()
    try database("CREATE TABLE theirs(x)", at: scratch.file)
    let error = try #require(try await refusal(scratch.path))
    #expect(error.code == .conflict && !error.isRetriable)
    #expect(error.message.contains("another application"))
    try database("PRAGMA application_id = 7", at: scratch.path + "/other.db")
    #expect(try await refusal(scratch.path + "/other.db")?.code == .conflict)
  }

  @Test func refusesAFileThatIsNoDatabase() async throws {
    let scratch = try Scratch()
    try Data(String(repeating: "not a database\n", count: 1000).utf8).write(to: URL(filePath: scratch.file))
    let error = try #require(try await refusal(scratch.path))
    #expect(error.code == .conflict && !error.isRetriable)
    #expect(error.message.contains("not a Martlet store"))
  }

  @Test func refusesAFileForAFolder() async throws {
    let scratch = try Scratch()
    try Data().write(to: URL(filePath: scratch.path + "/file"))
    let error = try #require(try await refusal(scratch.path + "/file"))
    #expect(error.code == .configuration && error.message.contains("not a folder"))
  }

  @Test func refusesAFolderThatCannotBeMade() async throws {
    let error = try #require(try await refusal("/proc/martlet/store"))
    #expect(error.code == .permission && !error.isRetriable)
    #expect(error.message.contains("/proc/martlet"))
  }

  @Test func refusesNetworkFileSystems() {
    #expect(StoreDirectory.problem(fileSystem: 0x6969, of: "/x")?.message.contains("NFS") ?? false)
    #expect(StoreDirectory.problem(fileSystem: 0xff53_4d42, of: "/x")?.code == .configuration)
    #expect(StoreDirectory.problem(fileSystem: 0xef53, of: "/x") == nil)
  }
}
