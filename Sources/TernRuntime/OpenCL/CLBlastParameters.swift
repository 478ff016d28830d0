// SPDX-License-Identifier: MIT
import Foundation

/// The text of `TERN_CLBLAST_PARAMETERS`: `{"Xgemm": {"GEMMK": 0, "MWG": 64, …}, …}`, or the path of a file of it.
struct CLBlastParameters {
  /// What is wrong with the text.
  struct Refusal: Error {
    let what: String
  }

  /// By the names of CLBlast's kernels.
  let kernels: [String: [String: Int]]

  init(_ text: String) throws(Refusal) {
    do {
      let data = text.hasPrefix("{") ? Data(text.utf8) : try RegularFile(path: text).contents()
      kernels = try JSONDecoder().decode([String: [String: Int]].self, from: data)
    } catch {
      let why = (error as? TernError)?.cause ?? reason(of: error)
      throw Refusal(what: #"expected JSON such as {"Xgemm": {"MWG": 64}} or a file of it (\#(why))"#)
    }
    for (kernel, values) in kernels where (values["GEMMK"] ?? 0) != 0 {
      throw Refusal(what: "\(kernel) has GEMMK=\(values["GEMMK"]!), which gives wrong results; expected GEMMK=0")
    }
  }

  /// What is wrong with a text, if anything.
  static func complaint(about text: String) -> String? {
    do throws(Refusal) {
      _ = try CLBlastParameters(text)
      return nil
    } catch { return error.what }
  }
}
