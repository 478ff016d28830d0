// SPDX-License-Identifier: MIT
import Foundation

/// The `index.json` of a set of golden cases.
package struct GoldenIndex: Decodable, Sendable {
  package struct Entry: Decodable, Sendable {
    package let id, op: String
    /// The archive with the case's arrays, in the index's folder; sets made for a tool have none.
    package let file: String?
    /// What the names of the case's arrays begin with in an archive of many cases.
    package let prefix: String?
    package let attrs: [String: Attributes.Value]
    package let rtol, atol: Double
    package let kind: String?
    package let arrays: ArrayNames?
  }

  /// The keys of a table, whatever it says of them.
  package struct ArrayNames: Decodable, Sendable {
    package let names: [String]

    package init(from decoder: any Decoder) throws {
      names = try decoder.singleValueContainer().decode([String: Attributes.Value].self).keys.sorted()
    }
  }

  package let cases: [Entry]

  package init(contentsOf url: URL) throws {
    self = try JSONDecoder().decode(GoldenIndex.self, from: Data(contentsOf: url))
  }
}

extension GoldenCase {
  /// The cases of a folder with an `index.json`, each with what must come out, that the adapter has a call for.
  package static func load(from folder: URL) throws -> [GoldenCase] {
    var archives: [String: NumPyArchive] = [:]
    return try GoldenIndex(contentsOf: folder.appending(path: "index.json")).cases.compactMap { entry in
      guard Operations.known.contains(entry.op), let file = entry.file else { return nil }
      let archive = try archives[file] ?? NumPyArchive(contentsOf: folder.appending(path: file))
      archives[file] = archive
      return GoldenCase(entry, arrays: try archive.arrays(prefix: entry.prefix ?? ""))
    }
  }

  /// A case with what a scorer gives to a tool: a folder of `.npy` files called like the case, or one `.npz` file.
  package init(_ entry: GoldenIndex.Entry, inputsIn folder: URL) throws {
    let own = folder.appending(path: entry.id)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: own.path, isDirectory: &isFolder), isFolder.boolValue {
      var arrays: [String: NumPyArray] = [:]
      for file in try FileManager.default.contentsOfDirectory(atPath: own.path) where file.hasSuffix(".npy") {
        arrays[String(file.dropLast(4))] = try NumPyArray(Data(contentsOf: own.appending(path: file)))
      }
      self.init(entry, arrays: arrays)
    } else {
      self.init(entry, arrays: try NumPyArchive(contentsOf: folder.appending(path: entry.id + ".npz")).arrays())
    }
  }
}
