// SPDX-License-Identifier: MIT

/// Colours, told apart without colour vision too: they differ in lightness, and other libraries' bars are striped.
enum Palette {
  private static let devices = ["#1f6fb4", "#e08a1e", "#3c9d5d", "#9d4f8f"]
  private static let peers = ["#8a93a0", "#b5655c", "#5d8f8a", "#a08a4f"]

  /// The class of a device's bars.
  static func device(_ index: Int) -> String { "d\(index % devices.count)" }
  /// The class of another library's bars.
  static func peer(_ index: Int) -> String { "p\(index % peers.count)" }

  static var rules: String {
    let plain = devices.enumerated().map { ".d\($0) { background: \($1); }" }
    let striped = peers.enumerated().map { index, colour in
      ".p\(index) { background: repeating-linear-gradient(135deg, \(colour) 0 5px, "
        + "color-mix(in srgb, \(colour) 55%, var(--paper)) 5px 8px); }"
    }
    return (plain + striped).joined(separator: "\n")
  }
}

let stylesheet =
  """
  :root { color-scheme: light dark;
    --ink: #1b1f24; --paper: #fff; --quiet: #5c6370; --track: #eceff3; --line: #d5dae1; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6e8eb; --paper: #16191d; --quiet: #9aa3b0; --track: #262b31; --line: #363d46; }
  }
  * { box-sizing: border-box; }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 58rem; margin: 1.5rem auto 3rem; padding: 0 1rem;
    color: var(--ink); background: var(--paper); }
  h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
  h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
  h3 { font: 600 .85rem ui-monospace, monospace; margin: 1rem 0 .2rem; }
  h3, p, li, th, .label { overflow-wrap: anywhere; }
  p { color: var(--quiet); max-width: 46rem; }
  small, .ratio, .percent { color: var(--quiet); font-weight: normal; }
  .legend { list-style: none; padding: 0; margin: .8rem 0; }
  .legend li { padding-left: 1.4em; position: relative; }
  .swatch { position: absolute; left: 0; top: .35em; width: .85em; height: .85em; border-radius: 2px; }
  table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
  caption { text-align: left; color: var(--quiet); padding-bottom: .2rem; }
  th { text-align: left; font-weight: normal; padding: .1rem 1.2rem .1rem 0; }
  td { text-align: right; padding: .1rem 0 .1rem 1.2rem; white-space: nowrap; }
  .row { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr) 8rem 4rem 7rem; gap: .7rem; align-items: center;
    margin: .2rem 0; }
  .label { font-size: .85rem; line-height: 1.2; }
  .track { display: block; background: var(--track); border-radius: 2px; overflow: hidden; }
  .track + .track { margin-top: 2px; }
  .bar, .share { display: block; }
  .bar { height: .85rem; }
  .share { height: .28rem; opacity: .65; }
  .value, .ratio, .percent { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
  .ratio, .percent { font-size: .85rem; }
  article { break-inside: avoid; }
  h2 { break-after: avoid; }
  .bar, .share, .swatch, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @media (max-width: 44rem) {
    .row { display: flex; flex-wrap: wrap; gap: .1rem .5rem; margin: .35rem 0; }
    .label { flex: 1 1 5rem; }
    .tracks { flex: 1 0 100%; order: 1; }
    .ratio { min-width: 3.2rem; }
    .percent { min-width: 5.6rem; }
    .value, .ratio, .percent { font-size: .8rem; }
  }
  @media print {
    :root { color-scheme: light; --ink: #000; --paper: #fff; --quiet: #444; --track: #eee; --line: #bbb; }
    body { margin: 0; max-width: none; font-size: 10pt; padding: 0; }
    .row { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr) 7.5rem 3.8rem 6.6rem; gap: .7rem;
      margin: .2rem 0; }
    .tracks { order: 0; }
    h3 { margin-top: .7rem; }
  }
  \(Palette.rules)
  """
