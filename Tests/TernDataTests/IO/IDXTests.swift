// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernData

@Suite struct IDXTests {
  private static let elements = (0..<3 * 5 * 7).map { UInt8($0 * 2) }
  private static let images = idxBytes([3, 5, 7], elements)
  private static let labels = idxBytes([3], [4, 0, 9])
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [false, true]) func roundTripsPlainAndGzip(compressed: Bool) throws {
    let pack = compressed ? gzip : { $0 }
    let dataset = try ImageDataset.idx(
      images: directory.write(pack(Self.images), "i"), labels: directory.write(pack(Self.labels), "l"))
    #expect(dataset.count == 3 && dataset.height == 5 && dataset.width == 7)
    #expect(dataset.pixels == Self.elements)
    #expect(dataset.labels == [4, 0, 9])
    #expect(Array(dataset[1]) == Array(Self.elements[35..<70]))
  }

  @Test(arguments: ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"])
  func findsTheUsualNames(name: String) throws {
    _ = try directory.write(name.hasSuffix("gz") ? gzip(Self.images) : Self.images, name)
    _ = try directory.write(Self.labels, "train-labels-idx1-ubyte")
    #expect(try ImageDataset.idx(directory: directory.path, split: .train).count == 3)
    let error = #expect(throws: TernError.self) { try ImageDataset.idx(directory: directory.path, split: .test) }
    #expect(error?.code == .file)
    #expect(error?.description.contains("t10k-images-idx3-ubyte") == true)
  }

  @Test func readsGzipMembersAsOneStream() throws {
    let path = try directory.write(gzip(Array(Self.images[..<50])) + gzip(Array(Self.images[50...])), "two.gz")
    #expect(try IDXFile(path: path, rank: 3, kind: "images").bytes == Self.elements)
  }

  @Test func readsMoreThanOneBufferOfGzip() throws {
    // Larger than every buffer on the way, and hard to compress.
    var state: UInt32 = 1
    let elements = (0..<700 * 1000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    let path = try directory.write(gzip(idxBytes([700, 1000, 1], elements)), "large.gz")
    #expect(try IDXFile(path: path, rank: 3, kind: "images").bytes == elements)
  }

  struct Damage: CustomTestStringConvertible {
    let what: String
    let bytes: [UInt8]
    let says: String
    var testDescription: String { what }
  }

  private static let damages: [Damage] = [
    Damage(what: "empty", bytes: [], says: "header takes 16 bytes"),
    Damage(what: "half a header", bytes: Array(images[..<9]), says: "header takes 16 bytes"),
    Damage(what: "truncated plain", bytes: Array(images.dropLast()), says: "more than the file can hold"),
    Damage(
      what: "wrong type", bytes: [0, 0, 13, 3] + images[4...],
      says: "begins with the bytes 00 00 08 03, not 00 00 0d 03"),
    Damage(what: "labels instead", bytes: labels, says: "not 00 00 08 01"),
    Damage(what: "text", bytes: Array("label,pixel0,pixel1".utf8), says: "begins with the bytes 00 00 08 03"),
    Damage(
      what: "oversized header", bytes: [0, 0, 8, 3] + [UInt8](repeating: 0xff, count: 12),
      says: "more than the file can hold"),
    Damage(
      what: "oversized header, last extent zero",
      bytes: [0, 0, 8, 3] + [UInt8](repeating: 0xff, count: 8) + [0, 0, 0, 0],
      says: "more than the file can hold"),
    Damage(what: "trailing bytes", bytes: images + [0], says: "go on behind"),
    Damage(what: "truncated gzip", bytes: Array(gzip(images).dropLast(12)), says: "stop before their end"),
    Damage(what: "gzip cut in its checksum", bytes: Array(gzip(images).dropLast(2)), says: "stop before their end"),
    Damage(what: "gzip of a truncated file", bytes: gzip(Array(images.dropLast(9))), says: "the file holds 96"),
    Damage(
      what: "gzip bomb header", bytes: gzip([0, 0, 8, 3] + [UInt8](repeating: 0xff, count: 12)),
      says: "more than the file can hold"),
    Damage(what: "gzip with a wrong checksum", bytes: flipped(gzip(images), at: -6), says: "damaged"),
    Damage(what: "gzip with garbage behind it", bytes: gzip(images) + [1, 2, 3, 4, 5], says: "damaged"),
    Damage(what: "gzip trailing elements", bytes: gzip(images + [0]), says: "go on behind"),
    Damage(what: "only a gzip magic", bytes: [0x1f, 0x8b], says: "stop before their end"),
  ]

  @Test(arguments: damages) func namesFileAndDamage(damage: Damage) throws {
    let path = try directory.write(damage.bytes, "damaged")
    let error = #expect(throws: TernError.self) { try IDXFile(path: path, rank: 3, kind: "images") }
    #expect(error?.code == .format)
    let text = error?.description ?? ""
    #expect(text.contains(path) && text.contains(damage.says) && error?.remedy.isEmpty == false, "\(text)")
  }

  @Test func everyFlippedByteOfGzipIsDamageOfGzip() throws {
    // Behind gzip's own header of 10 bytes, most of which may be anything. Bits between data and checksum are unused.
    let whole = gzip(Self.images)
    for place in 10..<whole.count where place != whole.count - 9 {
      let path = try directory.write(Self.flipped(whole, at: place - whole.count), "damaged")
      let error = #expect(throws: TernError.self) { try IDXFile(path: path, rank: 3, kind: "images") }
      #expect(
        error?.code == .format && error?.message.contains("the gzip data") == true,
        "\(place): \(error?.description ?? "")")
    }
  }

  private static func flipped(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
    var bytes = bytes
    bytes[bytes.count + offset] ^= 0x40
    return bytes
  }

  @Test func namesBothCountsThatDiffer() throws {
    let images = try directory.write(Self.images, "i"), labels = try directory.write(idxBytes([4], [1, 2, 3, 4]), "l")
    let error = #expect(throws: TernError.self) { try ImageDataset.idx(images: images, labels: labels) }
    #expect(error?.message == "\(images) holds 3 images, \(labels) holds 4 labels")
  }

  @Test func refusesWhatIsNoFile() throws {
    for path in [directory.path, directory.path + "/missing", "/dev/zero"] {
      let error = #expect(throws: TernError.self) { try IDXFile(path: path, rank: 1, kind: "labels") }
      #expect(error?.code == .file && error?.message.contains(path) == true)
    }
    let error = #expect(throws: TernError.self) {
      try ImageDataset.idx(directory: directory.path + "/missing", split: .train)
    }
    #expect(error?.code == .file)
  }

  @Test func refusesAnEmptyDataset() throws {
    let images = try directory.write(idxBytes([0, 28, 28], []), "i"),
      labels = try directory.write(idxBytes([0], []), "l")
    #expect(throws: TernError.self) { try ImageDataset.idx(images: images, labels: labels) }
  }
}
