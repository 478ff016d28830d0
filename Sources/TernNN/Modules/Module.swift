// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A model or a part of one: any type whose properties hold `Parameter`s, `Buffer`s and other modules.
///
/// There is nothing to implement. Parameters are found by looking at the stored properties, see `parameters()`.
///
///     struct MLP: Layer {
///       let hidden = Linear(784, 256), output = Linear(256, 10)
///       func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
///     }
public protocol Module {}

/// A module that maps one tensor to one tensor.
public protocol Layer: Module {
  /// What the module makes of `x`, in the mode and with the parameters of the moment.
  ///
  /// - Precondition: the shape is one that the module takes; others trap with both sides of the disagreement.
  func callAsFunction(_ x: Tensor) -> Tensor
}

extension Module {
  /// All parameters with their dotted names, in the order of declaration.
  ///
  /// One read-only walk over the stored properties: structs, classes with what they inherit, tuples, optionals, arrays
  /// (`blocks.0.weight`), dictionaries by sorted key, and payloads of enum cases. A cell that is reached twice counts
  /// once, under its first name. Functions and sets are not looked into. The walk takes about 0.1 ms for a small
  /// convolutional net, so loops that care take the list once; it stays valid until a layer is added or replaced.
  public func parameters() -> ParameterList { contents().parameters }

  /// All buffers with their dotted names, as `parameters()` finds parameters.
  public func buffers() -> [(name: String, buffer: Buffer)] { contents().buffers }

  /// Numbers in all parameters together.
  public var parameterCount: Int { parameters().reduce(0) { $0 + $1.parameter.shape.reduce(1, *) } }

  /// Moves all parameters and buffers to a device.
  ///
  /// - Throws: what went wrong on the device that they come from; then nothing has moved.
  public func move(to device: Device) throws {
    let contents = contents()
    let parameters = try contents.parameters.map { try $0.parameter.value.on(device) }
    let buffers = try contents.buffers.map { try $0.buffer.value.on(device) }
    for (cell, value) in zip(contents.parameters, parameters) { cell.parameter.value = value }
    for (cell, value) in zip(contents.buffers, buffers) { cell.buffer.value = value }
  }

  /// Values of all parameters and buffers by name: parameters first, each kind in the order of the walk.
  public func stateTensors() -> [(name: String, tensor: Tensor)] { contents().stateTensors }

  func contents() -> ModuleContents {
    var walk = ModuleWalk()
    walk.visit(self, name: "")
    return walk.contents(of: type(of: self))
  }
}
