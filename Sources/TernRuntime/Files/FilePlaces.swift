// SPDX-License-Identifier: MIT
import Foundation

/// Whether two paths name one file, be it there or not: through links, `..`, or other spellings.
package func isSameFile(_ first: String, _ second: String) -> Bool {
  var (a, b) = (stat(), stat())
  if stat(first, &a) == 0, stat(second, &b) == 0 { return a.st_dev == b.st_dev && a.st_ino == b.st_ino }
  return place(of: first) == place(of: second)
}

/// A path's folder, "." where it names none, and the name in it. Foundation's own (6.3) traps on a path of one letter.
func parts(of path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
}

/// Where a file that is opened for writing would come to lie.
private func place(of path: String, links: Int = 40) -> String {
  let (folder, name) = parts(of: path)
  if links > 0, let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
    let isAbsolute = target.hasPrefix("/")
    return place(of: isAbsolute ? target : folder + "/" + target, links: links - 1)
  }
  guard let real = realpath(folder, nil) else { return path }
  defer { free(real) }
  return String(cString: real) + "/" + name
}
