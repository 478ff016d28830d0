#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs what `make bundle` made as another machine would: unpacked elsewhere, with an empty environment, and with Swift and
# the package out of sight where this user may mount. Tests of each kind run: such as read files, start processes, run the
# tool or need a device. Arguments, if there are any, go to `run tests` instead: `--filter .` runs everything.
set -euo pipefail
cd "$(dirname "$0")/.."

archive=.build/bundle.tar.xz
[[ -e $archive ]] || { echo "bundle: $archive is missing; make bundle makes it" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tar xf "$archive" -C "$folder"

# A mount namespace of its own hides folders from these programs alone, and is gone with them.
apart=()
for way in "unshare -m" "unshare -rm"; do
  [[ ${#apart[@]} == 0 ]] && $way true 2>/dev/null && read -ra apart <<<"$way"
done
hidden=()
if [[ ${#apart[@]} == 0 ]]; then
  echo "bundle: Swift cannot be hidden here, so libraries that the bundle lacks may go unnoticed" >&2
else
  toolchain=$(readlink -f "$(command -v "${SWIFT:-swift}")" || true)
  [[ $toolchain != */usr/bin/* || $toolchain == /usr/bin/* ]] || hidden+=("${toolchain%/usr/bin/*}")
  hidden+=("$PWD")
fi

cat >"$folder/check" <<'CHECK'
set -euo pipefail
folder=$1 hidden=$2
shift 2
cd "$folder"
mkdir home none driver
while read -r path; do [[ -z $path ]] || mount -t tmpfs none "$path"; done <<<"$hidden"

# run STATUS [VARIABLE=VALUE...] -- ARGUMENTS...: the output is in the file `output`.
run() {
  local wanted=$1 settings=() status=0
  shift
  while [[ $1 != -- ]]; do settings+=("$1"); shift; done
  shift
  env -i HOME="$folder/home" PATH=/usr/bin:/bin "${settings[@]}" bundle/run "$@" >output 2>&1 || status=$?
  [[ $status == "$wanted" ]] && return
  echo "bundle: ${settings[*]} run $* ended with $status, not with $wanted:" >&2
  tail -n 60 output >&2
  exit 1
}
fail() { echo "bundle: $*:" >&2; cat output >&2; exit 1; }

run 0 --
grep -q 'run tests' output || fail "run does not say what it can do"
run 64 -- devices
run 0 OCL_ICD_VENDORS="$folder/none" -- tern devices
grep -q '^cpu' output || fail "the CPU is not listed"
! grep -q '^opencl' output || fail "an OpenCL device is listed without a driver"
run 0 OCL_ICD_VENDORS="$folder/none" -- tern train lenet5 --epochs 1 --limit 1000
run 0 OCL_ICD_VENDORS="$folder/none" -- tern-bench --only add_16M --seconds 0.01

# Where PoCL is, its library takes the place of NVIDIA's, for which nobody wrote an .icd file.
pocl=$(ls /usr/lib/*/libpocl.so.2 2>/dev/null | head -n 1 || true)
if [[ -n $pocl ]]; then
  cp -L "$pocl" driver/libnvidia-opencl.so.1
  # It looks for its parts beside itself.
  ln -s "$(dirname "$pocl")/pocl" driver/pocl
  run 0 OPENCL_VENDOR_PATH="$folder/none" -- tern devices
  ! grep -q '^opencl' output || fail "an OpenCL device is listed without an .icd file"
  run 0 OPENCL_VENDOR_PATH="$folder/none" LD_LIBRARY_PATH="$folder/driver" -- tern devices
  grep -q '^opencl:0' output || fail "NVIDIA's driver is not found without an .icd file"
fi

filters=(--filter GoldenTests/wrongResultsAreSeen --filter mistakesTrapWithTheOperation --filter ArgumentTests
  --filter DeviceTransposeTests)
(($# == 0)) || filters=("$@")
run 0 -- tests "${filters[@]}"
tail -n 1 output
CHECK
"${apart[@]}" bash "$folder/check" "$folder" "$(printf '%s\n' "${hidden[@]}")" "$@"
echo "bundle: runs without Swift"
