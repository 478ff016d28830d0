// swift-tools-version: 6.1
// SPDX-License-Identifier: MIT
import PackageDescription

let package = Package(
  name: "tern",
  products: [
    .library(name: "Tern", targets: ["Tern"]),
    .library(name: "TernNN", targets: ["TernNN"]),
    .library(name: "TernData", targets: ["TernData"]),
    .library(name: "TernModels", targets: ["TernModels"]),
    .executable(name: "tern", targets: ["TernCommand"]),
    .executable(name: "tern-bench", targets: ["TernBench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // C: the OpenCL and CLBlast entry points, loaded at run time; the CPU's vector loops; the embedded kernels.
    .target(name: "COpenCL", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "CCLBlast", dependencies: ["COpenCL"]),
    .target(name: "TernKernels", path: "Kernels"),
    .target(name: "CTernCPU", dependencies: ["TernKernels"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    .target(name: "TernRuntime", dependencies: ["COpenCL", "CCLBlast", "CTernCPU", "TernKernels"]),
    .target(name: "Tern", dependencies: ["TernRuntime"]),
    .target(name: "TernNN", dependencies: ["Tern"]),
    .target(name: "TernData", dependencies: ["TernNN", "CZlib"]),
    .target(name: "TernModels", dependencies: ["TernNN"]),

    .executableTarget(
      name: "TernCommand",
      dependencies: [
        "TernModels", "TernData", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "TernBench",
      dependencies: ["TernModels", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Benchmarks", exclude: ["RESULTS.md"]),

    // Golden cases as calls of the library: for the package's tests, and for a tool that scorers call.
    .target(name: "Conformance", dependencies: ["TernNN"], path: "Tests/Conformance"),
    .executableTarget(
      name: "tern-conformance",
      dependencies: ["Conformance", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Tests/ConformanceTool"),

    // Optimized in debug builds, too: the float64 references of the tests are loops over every element.
    .target(
      name: "TestSupport", dependencies: ["Tern"], path: "Tests/TestSupport", swiftSettings: [.unsafeFlags(["-O"])]),
    .testTarget(
      name: "TernRuntimeTests", dependencies: ["TernRuntime", "TestSupport"], swiftSettings: [.unsafeFlags(["-O"])]),
    .testTarget(name: "TernTests", dependencies: ["Tern", "TestSupport"]),
    .testTarget(name: "TernNNTests", dependencies: ["TernNN", "TestSupport"]),
    .testTarget(name: "TernDataTests", dependencies: ["TernData", "TestSupport"]),
    .testTarget(name: "TernModelsTests", dependencies: ["TernModels", "TernData"]),
    .testTarget(name: "TernCommandTests", dependencies: ["TernCommand", "TernData", "TestSupport"]),
    .testTarget(name: "TernBenchTests", dependencies: ["TernBench", "TestSupport"]),
    .testTarget(
      name: "GoldenTests", dependencies: ["Conformance", "tern-conformance", "TestSupport"], exclude: ["Fixtures"]),
    .testTarget(name: "ApplicationTests", dependencies: ["TestSupport"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu17
)
