// SPDX-License-Identifier: MIT
import Foundation

/// The `index.json` of a set of golden cases.
package struct GoldenIndex: Decodable, Sendable {
  package struct Entry: Decodable, Sendable {
    package let id, op: String
    /// The archive with the case's arrays, in the index's folder; sets made for a tool have none.
    package let file: String?
    package let attrs: [String: Attributes.Value]
    package let rtol, atol: Double
    package let kind: String?
    package let arrays: Arrays?
  }

  /// What the index says of a case's arrays: at least their names.
  package struct Arrays: Decodable, Sendable {
    package let names: [String]
    /// Where they are, in a set that keeps the numbers of all cases together.
    let places: [String: Place]?

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      // Other sets have shapes instead of places; the next line throws what is neither.
      places = try? container.decode([String: Place].self)
      names = try places?.keys.sorted() ?? container.decode([String: Attributes.Value].self).keys.sorted()
    }
  }

  /// `[pool, start, shape]`: an array is the elements from `start` on of the archive's member `pool`.
  struct Place: Decodable, Sendable {
    let pool: String
    let start: Int
    let shape: [Int]

    init(from decoder: any Decoder) throws {
      var parts = try decoder.unkeyedContainer()
      pool = try parts.decode(String.self)
      start = try parts.decode(Int.self)
      shape = try parts.decode([Int].self)
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
    var archives: [String: [String: NumPyArray]] = [:]
    return try GoldenIndex(contentsOf: folder.appending(path: "index.json")).cases.compactMap { entry in
      guard Operations.known.contains(entry.op), let file = entry.file else { return nil }
      let members = try archives[file] ?? NumPyArchive(contentsOf: folder.appending(path: file)).arrays()
      archives[file] = members
      guard let places = entry.arrays?.places, !places.isEmpty else { return GoldenCase(entry, arrays: members) }
      return GoldenCase(
        entry,
        arrays: try places.mapValues { place in
          guard let pool = members[place.pool] else {
            throw NumPyArray.FormatError(message: "\(file) has no member \(place.pool)")
          }
          return try pool.part(from: place.start, shape: place.shape)
        })
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
