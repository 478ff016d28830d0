// SPDX-License-Identifier: MIT

/// Looks for what is wrong with an installation.
public enum Doctor {
  /// One thing that was looked at.
  public struct Finding: Sendable, Equatable, Codable {
    /// What was looked at: `OpenCL loader`.
    public let title: String
    /// Whether something should be done about it.
    public let isProblem: Bool
    /// What was found, in one line.
    public let detail: String
    /// What to do, in one line; empty when nothing needs doing.
    public let remedy: String
  }

  /// Looks at the loader, the drivers, CLBlast, permissions and settings. Compiles nothing.
  public static func examine() -> [Finding] { examine(.actual) }

  static func examine(_ surroundings: Surroundings) -> [Finding] {
    [loader, drivers, nvidiaCompiler, clblast, renderNodes].compactMap { $0(surroundings) } + settings(surroundings)
  }

  static func good(_ title: String, _ detail: String) -> Finding {
    Finding(title: title, isProblem: false, detail: detail, remedy: "")
  }

  static func bad(_ title: String, _ detail: String, _ remedy: String) -> Finding {
    Finding(title: title, isProblem: true, detail: detail, remedy: remedy)
  }

  // MARK: OpenCL

  private static func loader(_ surroundings: Surroundings) -> Finding {
    guard let failure = surroundings.loaderFailure() else { return good("OpenCL loader", "found") }
    let remedy =
      surroundings.environment["TERN_OPENCL_LIBRARY"].map {
        "unset TERN_OPENCL_LIBRARY, which names \($0), or correct it"
      } ?? "install the loader: apt install ocl-icd-libopencl1"
    return bad("OpenCL loader", failure, remedy)
  }

  /// Drivers that install a library, with what registers them with the loader.
  private static let knownDrivers: [(library: String, remedy: @Sendable (String) -> String)] = [
    (
      "libnvidia-opencl.so.1",
      { _ in
        "register it: echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd, "
          + "or set OCL_ICD_VENDORS=libnvidia-opencl.so.1"
      }
    ),
    ("libigdrcl.so", { _ in "register it: apt install --reinstall intel-opencl-icd" }),
    ("libamdocl64.so", { "register it: echo \($0) > /etc/OpenCL/vendors/amdocl64.icd" }),
    ("libintelocl.so", { "register it: echo \($0) > /etc/OpenCL/vendors/intel-cpu.icd" }),
    ("libpocl.so", { _ in "register it: apt install --reinstall pocl-opencl-icd" }),
  ]

  private static func drivers(_ surroundings: Surroundings) -> Finding? {
    let title = "OpenCL devices"
    guard surroundings.loaderFailure() == nil else { return nil }
    let devices = surroundings.devices()
    if !devices.isEmpty { return good(title, devices.joined(separator: ", ")) }
    if let vendors = surroundings.environment["OCL_ICD_VENDORS"], !vendors.isEmpty {
      return bad(title, "none, with OCL_ICD_VENDORS=\(vendors)", "unset OCL_ICD_VENDORS, or name a driver's library")
    }
    for driver in knownDrivers {
      if let path = surroundings.library(named: driver.library) {
        return bad(title, "none, though the driver library \(path) is there", driver.remedy(path))
      }
    }
    let folder = "/etc/OpenCL/vendors"
    let registered = surroundings.list(folder).filter { $0.hasSuffix(".icd") }
    if let first = registered.first {
      let library = surroundings.text("\(folder)/\(first)")?.split(separator: "\n").first.map(String.init) ?? ""
      return bad(
        title, "none, though \(folder)/\(first) names \(library)",
        "install the driver that \(library) belongs to, or delete the file")
    }
    return bad(
      title, "none: no driver is installed",
      "install your GPU's OpenCL driver; apt install pocl-opencl-icd makes a device of the CPU")
  }

  static let nvidiaCompilerRemedy =
    "install the driver's compiler library (Debian: libnvidia-nvvm4; containers: the capability 'compute,utility')"

  /// NVIDIA's driver lists its devices without its compiler, and then fails to build programs, with an empty log.
  private static func nvidiaCompiler(_ surroundings: Surroundings) -> Finding? {
    guard surroundings.library(named: "libnvidia-opencl.so.1") != nil else { return nil }
    let title = "NVIDIA compiler"
    if let path = surroundings.library(named: "libnvidia-nvvm.so.4") { return good(title, path) }
    return bad(
      title, "libnvidia-nvvm.so.4 is missing: kernels will not compile, and the build log will be empty",
      nvidiaCompilerRemedy)
  }

  private static func clblast(_ surroundings: Surroundings) -> Finding? {
    guard let failure = surroundings.clblastFailure() else { return good("CLBlast", "found") }
    return bad("CLBlast", "\(failure); Tern's own kernels are used instead", "apt install libclblast1")
  }

  private static func renderNodes(_ surroundings: Surroundings) -> Finding? {
    let nodes = surroundings.list("/dev/dri").filter { $0.hasPrefix("renderD") }.map { "/dev/dri/" + $0 }
    guard !nodes.isEmpty else { return nil }
    let closed = nodes.filter { !surroundings.isAccessible($0) }
    if closed.isEmpty { return good("GPU permissions", nodes.joined(separator: ", ")) }
    return bad(
      "GPU permissions", "\(closed.joined(separator: ", ")): no permission to read and write",
      "sudo usermod -aG render $USER, then log in again")
  }
}
