#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests on one OpenCL driver in place of those that the system registers: a second implementation finds what the
# first forgives. The driver is a library, DRIVER=/path/to/libintelocl.so, or a folder of .icd files. Arguments go to
# `swift test`, for example --filter GoldenTests.
#
# Intel's driver for CPUs comes from PyPI:
#   python3 -m venv .build/intel && .build/intel/bin/pip install intel-opencl-rt intel-cmplr-lib-rt
#   make test-driver DRIVER=.build/intel/lib/libintelocl.so
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
driver=${DRIVER:-}
[[ -n $driver && -e $driver ]] || { echo "driver: DRIVER must name a driver's library or a folder of .icd files, got '$driver'" >&2; exit 1; }
driver=$(realpath "$driver")
# A folder of .icd files is what every loader understands; some take a library's path in its place, and some do not.
if [[ ! -d $driver ]]; then
  vendors=$(mktemp -d)
  trap 'rm -rf "$vendors"' EXIT
  echo "$driver" >"$vendors/driver.icd"
  driver=$vendors
fi
export OCL_ICD_VENDORS=$driver TERN_TUNING=off

"$swift" build --build-tests -Xcc -O2
# Without a device the tests would pass by running on the CPU alone.
devices=$(.build/debug/tern devices)
echo "$devices"
if ! grep -q '^opencl:0' <<<"$devices"; then
  echo "driver: $DRIVER gives no OpenCL device; OCL_ICD_VENDORS=$OCL_ICD_VENDORS .build/debug/tern doctor may know why" >&2
  exit 1
fi
log=$(mktemp)
trap 'rm -rf "$log" ${vendors:+"$vendors"}' EXIT
# The test that builds a package needs no repetition.
"$swift" test --skip-build -Xcc -O2 --skip ApplicationTests "$@" 2>&1 | tee "$log"
grep -q 'Test run with [1-9]' "$log" || { echo "driver: no test has the name that was asked for: $*" >&2; exit 1; }
