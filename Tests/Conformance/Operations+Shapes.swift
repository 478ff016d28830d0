// SPDX-License-Identifier: MIT
import Tern

extension Operations {
  static let shapes: [String: Function] = [
    "permute_reshape": { a in
      ["y": a.x.transposed(a.attributes.ints("perm")!).reshaped(to: a.attributes.ints("shape")!)]
    },
    "concat": { a in
      ["y": concatenated([a["in.a"], a["in.b"], a["in.c"]], along: a.attributes.int("dim")!)]
    },
    "stack_split": { a in
      let stack = stacked([a["in.a"], a["in.b"]], along: a.attributes.int("dim")!)
      let parts = stack.split(sizes: a.attributes.ints("sizes")!, along: 0)
      return Dictionary(uniqueKeysWithValues: parts.enumerated().map { ("y\($0)", $1) })
    },
    "slice": { a in
      let slices = a.attributes.rows("slices")!
      return [
        "y": slices.enumerated().reduce(a.x) { x, slice in
          x.sliced(along: slice.offset, from: slice.element[0], to: slice.element[1], step: slice.element[2])
        }
      ]
    },
  ]
}
