import Foundation
import MartletTestKit
import Testing

extension OrdersRunTests {
  @Suite(.serialized)
  struct QuickstartTests {
    private let script = "\(OrdersExample.root)/Examples/quickstart.sh"

    private func run(_ command: String, _ arguments: [String] = []) throws -> WorkerProcess {
      try WorkerProcess("/bin/bash", arguments: ["-c", "\(command) 2>&1", script] + arguments)
    }

    @Test func processesTheFirstOrderSoonAfterTheBuildAndShowsWhatFlows() async throws {
      let process = try run("NO_COLOR=1 exec \"$0\" \"$@\"", ["--lines", "500"])
      let isBuilt = await process.next(where: { $0.hasPrefix("A shop's day") }, until: .now + .seconds(900))
      let built = ContinuousClock.now
      #expect(isBuilt != nil)
      let isFlowing = await process.next(where: { $0.contains(" of 500 lines") }, until: .now + .seconds(60))
      #expect(isFlowing != nil)
      #expect(built.duration(to: .now) < .seconds(10))
      #expect(await process.end(until: .now + .seconds(60)) == 0)
      #expect(process.said.contains { $0.hasPrefix("Net ") })
      #expect(!process.said.contains { $0.contains("\u{1b}") })
    }

    @Test func saysThatSwiftIsMissing() async throws {
      let process = try run("PATH=/var/empty exec /bin/bash \"$0\"")
      #expect(await process.end(until: .now + .seconds(60)) == 1)
      #expect(process.said.contains { $0.contains("Swift is missing") })
      #expect(process.said.contains { $0.contains("swift.org/install") })
    }

    /// With tools that only say what they were called with.
    @Test func installsWhatIsMissing() async throws {
      let tools = FileManager.default.temporaryDirectory.path + "/martlet-tools-\(UUID())"
      defer { try? FileManager.default.removeItem(atPath: tools) }
      let call = """
        mkdir '\(tools)' && cd '\(tools)'
        printf '#!/bin/sh\\necho "Swift version 6.3.1 $*"\\n' > swift
        printf '#!/bin/sh\\ncase $* in *hiredis*) exit 1;; esac; echo "install ok installed"\\n' > dpkg-query
        printf '#!/bin/sh\\n[ "$1" = env ] && shift; echo "apt-get called: $*"; [ "$1" != install ]\\n' > apt-get
        printf '#!/bin/sh\\nexec "$@"\\n' > sudo
        printf '#!/bin/sh\\nwhile [ "${1#*=}" != "$1" ]; do shift; done; exec "$@"\\n' > env
        chmod +x *
        PATH='\(tools)':$PATH exec /bin/bash "$0"
        """
      let process = try run(call)
      #expect(await process.end(until: .now + .seconds(60)) == 1)
      let install = "apt-get called: install -y -q --no-install-recommends libhiredis-dev"
      #expect(process.said.contains("apt-get called: update -q"))
      #expect(process.said.contains(install))
      #expect(process.said.last == "quickstart: apt could not install libhiredis-dev")
    }
  }
}
