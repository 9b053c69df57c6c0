import Foundation

/// Where the lines of the devices come from.
struct Source: Sendable {
  /// A device and the lines that it sends.
  struct Device: Sendable {
    let name: String
    let lines: [Substring]
  }

  let devices: [Device]

  var lineCount: Int { devices.reduce(0) { $0 + $1.lines.count } }

  /// A file, or all files of a folder: `timestamp,value` with a header line.
  /// - Parameter copies: devices that each file stands for.
  init(files input: String, copies: Int) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: input, isDirectory: &isFolder) else {
      throw UsageError("--input is \"\(input)\", which does not exist")
    }
    let names = isFolder.boolValue ? try FileManager.default.contentsOfDirectory(atPath: input).sorted() : [""]
    let files = names.filter { $0.isEmpty || $0.hasSuffix(".csv") }
    guard !files.isEmpty else { throw UsageError("--input is \"\(input)\", a folder without a .csv file") }
    devices = try files.flatMap { name in
      let url = name.isEmpty ? URL(filePath: input) : URL(filePath: input).appending(path: name)
      let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
      let lines = text.split(whereSeparator: \.isNewline).dropFirst()
      // A line that makes no sense is set aside alone; a file without any other is the wrong file.
      guard lines.contains(where: { $0.split(separator: ",", omittingEmptySubsequences: false).count == 2 }) else {
        throw UsageError("\(url.path) has no line \"timestamp,value\" behind its header")
      }
      let sensor = url.deletingPathExtension().lastPathComponent
      return (1...copies).map { Device(name: "\(sensor)-\($0)", lines: Array(lines)) }
    }
  }

  /// Made up from a seed: a daily rhythm, noise, now and then a spike, a missing value and a line that makes no sense.
  init(devices count: Int, readings: Int, seed: UInt64) {
    devices = (1...count).map { number in
      var random = SplitMix64(seed: seed &* 0x2545_F491_4F6C_DD1D &+ UInt64(number) &* 0xD6E8_FEB8_6659_FD93)
      let base = Double.random(in: 40..<80, using: &random)
      let lines = (0..<readings).map { index in
        let minute = index * 5
        let clock = String(format: "%02d:%02d:00", minute / 60 % 24, minute % 60)
        let time = String(format: "2026-%02d-%02d ", minute / 1440 / 28 % 12 + 1, minute / 1440 % 28 + 1) + clock
        var value = base + 5 * sin(Double(minute) / 1440 * 2 * .pi) + Double.random(in: -1..<1, using: &random)
        switch Int.random(in: 0..<500, using: &random) {
        case 0: value += 60
        case 1: return "\(time),"[...]
        case 2: return "\(time),overflow"[...]
        default: break
        }
        return "\(time),\(value)"[...]
      }
      return Device(name: "device-\(number)", lines: lines)
    }
  }
}

/// The generator of Steele, Lea and Flood: the same numbers from the same seed everywhere.
private struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
