// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// The doctor looks at made-up machines.
@Suite("Doctor")
struct DoctorTests {
  /// A healthy machine, for one thing to be broken.
  static func machine(
    files: [String: String] = [:], environment: [String: String] = [:], loader: String? = nil, clblast: String? = nil,
    devices: [String] = ["GPU (Platform)"], closed: Set<String> = []
  ) -> Surroundings {
    Surroundings(
      environment: environment,
      list: { folder in
        files.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }
          .filter { !$0.contains("/") }.sorted()
      },
      text: { files[$0] }, isAccessible: { !closed.contains($0) }, loaderFailure: { loader },
      clblastFailure: { clblast }, devices: { devices })
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let machine: Surroundings
    let title: String
    let detail: String
    let remedy: String
  }

  static let lib = "/usr/lib/x86_64-linux-gnu/"
  static let cases = [
    Case(
      testDescription: "no loader", machine: machine(loader: "libOpenCL.so.1: cannot open"), title: "OpenCL loader",
      detail: "cannot open", remedy: "ocl-icd-libopencl1"),
    Case(
      testDescription: "wrong loader named",
      machine: machine(
        files: ["/x/y.so": ""], environment: ["TERN_OPENCL_LIBRARY": "/x/y.so"], loader: "y.so: cannot open"),
      title: "OpenCL loader", detail: "cannot open", remedy: "TERN_OPENCL_LIBRARY, which names /x/y.so"),
    Case(
      testDescription: "no driver", machine: machine(devices: []), title: "OpenCL devices", detail: "no driver",
      remedy: "pocl-opencl-icd"),
    Case(
      testDescription: "NVIDIA's driver not registered",
      machine: machine(files: [lib + "libnvidia-opencl.so.1": "", lib + "libnvidia-nvvm.so.4": ""], devices: []),
      title: "OpenCL devices", detail: lib + "libnvidia-opencl.so.1", remedy: "OCL_ICD_VENDORS=libnvidia-opencl.so.1"),
    Case(
      testDescription: "PoCL in a folder that only ld.so.conf.d knows",
      machine: machine(
        files: ["/etc/ld.so.conf.d/a.conf": "# comment\n/opt/lib\n", "/opt/lib/libpocl.so.2": ""], devices: []),
      title: "OpenCL devices", detail: "/opt/lib/libpocl.so.2", remedy: "pocl-opencl-icd"),
    Case(
      testDescription: "vendors restricted",
      machine: machine(environment: ["OCL_ICD_VENDORS": "/nonexistent"], devices: []), title: "OpenCL devices",
      detail: "OCL_ICD_VENDORS=/nonexistent", remedy: "unset OCL_ICD_VENDORS"),
    Case(
      testDescription: "registered driver gone",
      machine: machine(files: ["/etc/OpenCL/vendors/old.icd": "libold.so\n"], devices: []), title: "OpenCL devices",
      detail: "libold.so", remedy: "install the driver that libold.so belongs to"),
    Case(
      testDescription: "NVIDIA's compiler missing", machine: machine(files: [lib + "libnvidia-opencl.so.1": ""]),
      title: "NVIDIA compiler", detail: "libnvidia-nvvm.so.4 is missing", remedy: "libnvidia-nvvm4"),
    Case(
      testDescription: "no CLBlast", machine: machine(clblast: "libclblast.so.1: cannot open"), title: "CLBlast",
      detail: "cannot open", remedy: "libclblast1"),
    Case(
      testDescription: "no permission",
      machine: machine(files: ["/dev/dri/renderD128": ""], closed: ["/dev/dri/renderD128"]),
      title: "GPU permissions", detail: "/dev/dri/renderD128", remedy: "usermod -aG render"),
    Case(
      testDescription: "device misspelt", machine: machine(environment: ["TERN_DEVICE": "opencl:x"]),
      title: "Setting TERN_DEVICE", detail: "opencl:N", remedy: "TERN_DEVICE"),
    Case(
      testDescription: "threads", machine: machine(environment: ["TERN_THREADS": "0"]), title: "Setting TERN_THREADS",
      detail: "from 1 to 1024", remedy: "TERN_THREADS"),
    Case(
      testDescription: "memory limit", machine: machine(environment: ["TERN_MEMORY_LIMIT": "3Q"]),
      title: "Setting TERN_MEMORY_LIMIT", detail: "K, M or G", remedy: "TERN_MEMORY_LIMIT"),
    Case(
      testDescription: "GEMM", machine: machine(environment: ["TERN_GEMM": "tiled-7x7"]), title: "Setting TERN_GEMM",
      detail: "expected wide, own, clblast, wide-packed,", remedy: "TERN_GEMM"),
    Case(
      testDescription: "convolution", machine: machine(environment: ["TERN_CONV": "Winograd4"]),
      title: "Setting TERN_CONV",
      detail:
        "expected product, shifted, channels, depthwise, winograd2, winograd4, wide, implicit, direct or unfolded",
      remedy: "TERN_CONV"),
    Case(
      testDescription: "precision", machine: machine(environment: ["TERN_MATMUL_PRECISION": "tf32"]),
      title: "Setting TERN_MATMUL_PRECISION", detail: "expected highest, high or medium",
      remedy: "TERN_MATMUL_PRECISION"),
    Case(
      testDescription: "program cache", machine: machine(environment: ["TERN_PROGRAM_CACHE": "on"]),
      title: "Setting TERN_PROGRAM_CACHE", detail: "expected auto, always or never", remedy: "TERN_PROGRAM_CACHE"),
    Case(
      testDescription: "CLBlast's parameters", machine: machine(environment: ["TERN_CLBLAST_PARAMETERS": "/no/file"]),
      title: "Setting TERN_CLBLAST_PARAMETERS", detail: "or a file of it (No such file or directory)",
      remedy: "TERN_CLBLAST_PARAMETERS"),
    Case(
      testDescription: "CLBlast's parameters with wrong products",
      machine: machine(environment: ["TERN_CLBLAST_PARAMETERS": #"{"Xgemm": {"GEMMK": 1}}"#]),
      title: "Setting TERN_CLBLAST_PARAMETERS", detail: "Xgemm has GEMMK=1", remedy: "TERN_CLBLAST_PARAMETERS"),
    Case(
      testDescription: "library file", machine: machine(environment: ["TERN_CLBLAST_LIBRARY": "/no/such.so"]),
      title: "Setting TERN_CLBLAST_LIBRARY", detail: "no such file", remedy: "TERN_CLBLAST_LIBRARY"),
    Case(
      testDescription: "unknown variable", machine: machine(environment: ["TERN_DEVISE": "cpu"]),
      title: "Setting TERN_DEVISE", detail: "no such variable", remedy: "TERN_DEVICE"),
  ]

  @Test(arguments: cases) func oneProblemIsFoundWithItsRemedy(_ sick: Case) {
    let problems = Doctor.examine(sick.machine).filter(\.isProblem)
    #expect(problems.map(\.title) == [sick.title])
    #expect(problems.first?.detail.contains(sick.detail) == true, "\(problems)")
    #expect(problems.first?.remedy.contains(sick.remedy) == true, "\(problems)")
  }

  @Test func healthyMachineHasNoProblems() {
    let healthy = Self.machine(
      files: [Self.lib + "libnvidia-opencl.so.1": "", Self.lib + "libnvidia-nvvm.so.4": "", "/dev/dri/renderD128": ""],
      environment: [
        "TERN_DEVICE": "opencl:0", "TERN_THREADS": "2", "TERN_ISA": "avx2", "TERN_STRICT": "1", "TERN_GEMM": "own",
        "TERN_CLBLAST_PARAMETERS": "{}", "HOME": "/",
      ])
    let findings = Doctor.examine(healthy)
    #expect(findings.allSatisfy { !$0.isProblem && $0.remedy.isEmpty })
    #expect(findings.count == 11)
  }

  @Test(arguments: ["shifted", "unfolded", "winograd2"]) func algorithmsOfAnyDeviceAreKnown(_ name: String) {
    let findings = Doctor.examine(Self.machine(environment: ["TERN_CONV": name, "TERN_GEMM": "tensor-3xtf32"]))
    #expect(findings.allSatisfy { !$0.isProblem })
  }

  @Test(arguments: [
    "TERN_GEMM", "TERN_CONV", "TERN_TUNING", "TERN_MATMUL_PRECISION", "TERN_CLBLAST_PARAMETERS", "TERN_ISA",
    "TERN_THREADS",
  ])
  func settingThatWouldTrapIsAnErrorFirst(_ name: String) {
    let error = #expect(throws: TernError.self) { try Doctor.checkSettings(Self.machine(environment: [name: "?"])) }
    #expect(error?.code == .setting && error?.message.contains(name) == true)
  }

  @Test func thisMachineIsExaminedWithoutATrap() {
    #expect(Doctor.examine().contains { $0.title == "OpenCL loader" })
  }
}
