// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernNN

/// Which trained network to use.
struct SavedModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("File that `tern train --checkpoint` wrote.", valueName: "FILE"))
  var checkpoint: String

  func validate() throws { try checkPaths(["--checkpoint": checkpoint]) }

  /// Builds the network that the file names, with the file's weights.
  ///
  /// - Throws: `TernError` if the file cannot be read, is damaged, or holds something else.
  func load(on device: Device) throws -> (specification: ModelSpecification, model: any Layer) {
    let file = try SafetensorsFile(path: checkpoint)
    let specification = try ModelSpecification(metadata: file.metadata, path: checkpoint)
    let model = withDevice(device) { specification.makeModel(generator: RandomGenerator(seed: 0)) }
    try model.load(from: file)
    return (specification, model)
  }
}
