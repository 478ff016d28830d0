#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Renders the page of `tern-bench --html` in headless Chromium at the widths of phones and screens and in print: nothing
# may stick out of the page or lie over something else, every case must have its bars, and nothing may be loaded from
# elsewhere. With a folder as argument it leaves screenshots there to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
  [[ -z $browser ]] && browser=$(command -v "$name" || true)
done
if [[ -z $browser ]]; then
  echo "report: skipped, Chromium is not here (Debian: chromium); CHROMIUM may name it" >&2
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bench=${TERN_BENCH:-.build/release/tern-bench}
[[ -x $bench ]] || "${SWIFT:-swift}" build -c release --product tern-bench
render() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
    --allow-file-access-from-files "$@" 2>"$folder/browser.log"
}

# Long names, a missing rate, a rate of many digits and a median far from the best one.
cat >"$folder/peers.jsonl" <<'LINES'
{"case": "sgemm_256x256x256", "lib": "torch-compile", "device": "cpu", "median_s": 90, "best_s": 0.1, "rate": 123456, "unit": "GFLOP/s"}
{"case": "sgemm_256x256x256", "lib": "a-library-with-a-name-of-many-letters", "device": "accelerator<0>", "median_s": 2, "best_s": 1, "rate": 0.001, "unit": "GFLOP/s"}
{"case": "softmax_4096x1000", "lib": "torch-compile", "device": "cpu", "median_s": null, "best_s": null, "rate": null, "unit": "GB/s"}
{"case": "train_lenet5_b64", "lib": "torch-compile", "device": "cpu", "median_s": 2, "best_s": 1, "rate": 64, "unit": "samples/s"}
LINES
"$bench" --only sgemm_256,conv5x5,depthwise,softmax,lenet5 --seconds 0.01 --html "$folder/report.html" \
  --peers "$folder/peers.jsonl" --json "$folder/ours.jsonl" >/dev/null 2>&1
ours=$(wc -l <"$folder/ours.jsonl")

cat >"$folder/check.html" <<PAGE
<!DOCTYPE html><meta charset="utf-8"><pre id="findings"></pre>
<iframe id="page" src="report.html" scrolling="no" style="border: 0; height: 3000px"></iframe>
<script>
const findings = [], frame = document.getElementById("page");
function look(width) {
  frame.style.width = width + "px";
  const page = frame.contentDocument, root = page.documentElement, name = e => e.className + " '" + e.textContent.trim() + "'";
  const complain = text => findings.push(width + " px: " + text);
  if (root.clientWidth != width) complain("the page is " + root.clientWidth + " px wide");
  if (root.scrollWidth > width) complain("the page scrolls to " + root.scrollWidth + " px");
  for (const element of page.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.right > width + 0.5 || box.left < -0.5) complain(name(element) + " sticks out");
    if (element.children.length == 0 && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0)
      complain("the text of " + name(element) + " sticks out of it");
  }
  for (const row of page.querySelectorAll(".row")) {
    const parts = [...row.children].filter(e => e.textContent.trim() || e.className == "tracks");
    for (const a of parts) for (const b of parts) {
      const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
      const apart = p.right <= q.left + 0.5 || q.right <= p.left + 0.5 || p.bottom <= q.top + 0.5 || q.bottom <= p.top + 0.5;
      if (a !== b && !apart) complain(name(a) + " lies over " + name(b));
    }
  }
  const bars = [...page.querySelectorAll("[data-case] .bar")];
  if (bars.length != $ours + 3) complain(bars.length + " bars instead of $ours of ours and 3 of other libraries");
  for (const bar of page.querySelectorAll(".bar, .share"))
    if (bar.getBoundingClientRect().width <= 0) complain("a bar of " + name(bar.closest("article")) + " has no width");
  for (const article of page.querySelectorAll("[data-case]"))
    if (!article.querySelector(".bar") || !article.querySelector(".share")) complain(article.dataset.case + " has no bar");
  if (page.querySelector("[src], [href], script")) complain("something is loaded from elsewhere");
}
window.onload = () => {
  for (const width of [320, 360, 414, 700, 768, 1280, 1920]) look(width);
  document.getElementById("findings").textContent = findings.length ? findings.join("\n") : "nothing found";
};
</script>
PAGE
findings=$(render --window-size=2000,3000 --dump-dom "file://$folder/check.html" | tr '\n' '\r' |
  sed 's|.*<pre id="findings">\([^<]*\)</pre>.*|\1|' | tr '\r' '\n')
if [[ $findings != "nothing found" ]]; then
  echo "report: ${findings:-the browser said nothing: $(tail -n 3 "$folder/browser.log")}" >&2
  exit 1
fi

# In print every case must be there; pdftotext is in Debian's poppler-utils.
render --no-pdf-header-footer --print-to-pdf="$folder/report.pdf" "file://$folder/report.html"
if command -v pdftotext >/dev/null; then
  pdftotext "$folder/report.pdf" "$folder/report.txt"
  while read -r name; do
    grep -qF "$name" "$folder/report.txt" || { echo "report: $name is missing in print" >&2; exit 1; }
  done < <(grep -o 'data-case="[^"]*"' "$folder/report.html" | cut -d'"' -f2)
fi

if (($# > 0)); then
  mkdir -p "$1"
  cp "$folder/report.html" "$folder/report.pdf" "$1"
  for width in 360 1280; do
    render --hide-scrollbars --window-size=$width,2400 --screenshot="$1/report-$width.png" "file://$folder/report.html"
  done
fi
echo "report: clean"
