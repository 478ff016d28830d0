// SPDX-License-Identifier: MIT
import CCLBlast
import COpenCL
import Foundation

/// What the doctor looks at: files, the environment, and what the loaded libraries say. Tests put in their own.
struct Surroundings: Sendable {
  var environment: [String: String]
  /// Names in a folder; empty when it cannot be read.
  var list: @Sendable (_ folder: String) -> [String]
  /// Text of a file; nil when it cannot be read.
  var text: @Sendable (_ path: String) -> String?
  /// Whether this process may read and write the file.
  var isAccessible: @Sendable (_ path: String) -> Bool
  /// Why the OpenCL loader could not be loaded; nil if it was.
  var loaderFailure: @Sendable () -> String?
  /// Why CLBlast could not be loaded; nil if it was.
  var clblastFailure: @Sendable () -> String?
  /// Names of the devices that OpenCL reports.
  var devices: @Sendable () -> [String]

  static var actual: Surroundings {
    Surroundings(
      environment: ProcessInfo.processInfo.environment,
      list: { (try? FileManager.default.contentsOfDirectory(atPath: $0).sorted()) ?? [] },
      text: { try? String(contentsOfFile: $0, encoding: .utf8) },
      isAccessible: { access($0, R_OK | W_OK) == 0 },
      loaderFailure: { tern_cl_load() == nil ? String(cString: tern_cl_load_error()) : nil },
      clblastFailure: { tern_clblast_load() == nil ? String(cString: tern_clblast_load_error()) : nil },
      devices: { OpenCLDevices.shared.found.map { "\($0.name) (\($0.platformName))" } })
  }

  /// Folders where the dynamic linker looks, most of them from its configuration.
  private var libraryFolders: [String] {
    let fromEnvironment = (environment["LD_LIBRARY_PATH"] ?? "").split(separator: ":").map(String.init)
    let configured = list("/etc/ld.so.conf.d").flatMap { name in
      (text("/etc/ld.so.conf.d/" + name) ?? "").split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { $0.hasPrefix("/") }
    }
    let usual = [
      "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
      "/usr/local/nvidia/lib64", "/opt/rocm/lib", "/opt/intel/opencl",
    ]
    return fromEnvironment + configured + usual
  }

  /// The full path of the first library whose name begins so.
  func library(named prefix: String) -> String? {
    for folder in libraryFolders {
      if let name = list(folder).first(where: { $0.hasPrefix(prefix) }) { return folder + "/" + name }
    }
    return nil
  }
}
