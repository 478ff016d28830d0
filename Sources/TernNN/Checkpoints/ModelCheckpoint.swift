// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

extension Module {
  /// Writes all parameters and buffers to a safetensors file, atomically: a file that was there stays whole if anything
  /// fails.
  ///
  /// - Parameter metadata: strings to keep with the tensors, for the reader to know what the model is.
  /// - Throws: `TernError` with code `file` when the place cannot be written, or what the device reports.
  public func save(to path: String, metadata: [String: String] = [:]) throws {
    try writeSafetensors(stateTensors(), metadata: metadata, to: path)
  }

  /// Replaces all parameters and buffers by those of a safetensors file, which may also be a training checkpoint.
  ///
  /// Everything is read and checked first, so the model stays as it was if anything is wrong. Values go to the device
  /// and the floating-point dtype of the cells that they replace.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when the file belongs to another model, naming the first
  ///   difference; `format` or `file` when it cannot be read.
  public func load(from path: String) throws {
    try load(from: SafetensorsFile(path: path))
  }

  /// Replaces all parameters and buffers by those of an open file.
  public func load(from file: SafetensorsFile) throws {
    let contents = contents()
    contents.replace(by: try contents.values(from: file))
  }
}

/// What begins the names of tensors in a checkpoint that do not belong to the model. No property can be called so.
let optimizerPrefix = "optimizer/"

extension ModuleContents {
  /// A value for each of `stateTensors`, in their order, read and checked.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` naming the first tensor that differs, or `file`.
  func values(from file: SafetensorsFile) throws -> [Tensor] {
    var loaded: [Tensor] = []
    for (name, present) in stateTensors {
      guard let shape = file.shape(of: name), let dtype = file.dtype(of: name) else {
        let foreign = foreignTensor(in: file).map { ", but '\($0)' \(file.shape(of: $0)!)" } ?? ""
        throw mismatch(file, "it has no '\(name)', which is \(present.shape) in this model" + foreign)
      }
      guard shape == present.shape else {
        throw mismatch(file, "'\(name)' is \(shape) there and \(present.shape) in this model")
      }
      guard dtype == present.dtype || (dtype.isFloatingPoint && present.dtype.isFloatingPoint) else {
        throw mismatch(file, "'\(name)' is \(dtype) there and \(present.dtype) in this model")
      }
      loaded.append(try file.tensor(name, on: present.device).cast(to: present.dtype).evaluated())
    }
    if let name = foreignTensor(in: file) {
      throw mismatch(file, "it has '\(name)' \(file.shape(of: name)!), which this model does not have")
    }
    return loaded
  }

  /// Puts values in the place of `stateTensors`, in their order.
  func replace(by values: [Tensor]) {
    for ((_, parameter), value) in zip(parameters, values) { parameter.value = value }
    for ((_, buffer), value) in zip(buffers, values.dropFirst(parameters.count)) { buffer.value = value }
  }

  /// The first tensor of a file, in the order of the data, that this model does not have so: by its name and shape.
  private func foreignTensor(in file: SafetensorsFile) -> String? {
    let known = Dictionary(uniqueKeysWithValues: stateTensors.map { ($0.name, $0.tensor.shape) })
    return file.names.first { known[$0] != file.shape(of: $0) && !$0.hasPrefix(optimizerPrefix) }
  }

  private func mismatch(_ file: SafetensorsFile, _ what: String) -> TernError {
    TernError(
      .checkpointMismatch, "\(file.path) belongs to another model: \(what)",
      remedy: "build the model that the checkpoint was made with, or name another file")
  }
}
