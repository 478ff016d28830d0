#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every kernel in the Oclgrind simulator, which sees accesses out of bounds and data races. First a kernel with a planted fault must be reported, or silence would mean nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
library=${TERN_OCLGRIND_LIBRARY:-}
for place in /usr/lib/oclgrind /usr/lib/*/oclgrind /usr/local/lib; do
  [[ -z $library && -e $place/liboclgrind-rt-icd.so ]] && library=$place/liboclgrind-rt-icd.so
done
if [[ -z $library ]]; then
  echo "oclgrind: skipped, liboclgrind-rt-icd.so is not here (Debian: oclgrind); TERN_OCLGRIND_LIBRARY may name it" >&2
  exit 0
fi

"$swift" build --build-tests -Xcc -O2

# Uses of uninitialized memory are looked for when OCLGRIND_UNINITIALIZED=1 is set: Oclgrind 21.10 loses track of values in
# vector shuffles, which most kernels for CPU devices are made of, and then reports initialized ones.
uninitialized=${OCLGRIND_UNINITIALIZED:-0}

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# The loader takes the path of a library in place of a directory of .icd files: no other device is in the way.
simulate() {
  # CLBlast's kernels are not ours to mend: without the library ours do its work.
  TERN_CLBLAST_LIBRARY=/nonexistent OCL_ICD_VENDORS=$library OCLGRIND_DATA_RACES=1 \
    OCLGRIND_UNINITIALIZED=$uninitialized OCLGRIND_MAX_ERRORS=50000 OCLGRIND_LOG=$logs/$1 \
    "$swift" test --skip-build -Xcc -O2 --filter "OclgrindTests/$1"
}

simulate plantedFaultIsReported
if ! grep -q 'Invalid write' "$logs/plantedFaultIsReported"; then
  echo "oclgrind: the planted fault was not reported, so the run below would prove nothing" >&2
  exit 1
fi

simulate everyKernelRunsClean
if [[ -s $logs/everyKernelRunsClean ]]; then
  echo "oclgrind: faults in kernels; by kind and by kernel:" >&2
  grep -E '^[A-Z]' "$logs/everyKernelRunsClean" | sed 's/ 0x[0-9a-f]*$//' | sort | uniq -c | sort -rn >&2
  grep -E '^\s*Kernel:' "$logs/everyKernelRunsClean" | sort | uniq -c | sort -rn >&2
  head -n 60 "$logs/everyKernelRunsClean" >&2
  exit 1
fi
echo "oclgrind: clean"
