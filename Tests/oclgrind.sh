#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every kernel in the Oclgrind simulator, which sees accesses out of bounds, data races and uses of uninitialized
# memory. First a planted fault of each kind must be reported, or silence would mean nothing.
#
# Oclgrind 21.10 misreports initialized memory in four cases, which are avoided, so that nothing needs to be filtered:
# - element 11 of a vector shuffle counts as undefined: prelude.cl says how kernels take wide vectors apart;
# - a host's write of a part of a buffer forgets the rest: the backend writes whole buffers only;
# - a buffer inherits what is known of one that was released: the simulator's buffers are never released (BufferSource);
# - other threads than the one that created the context crash it: all calls come from one thread (SimulatorThread).
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
export TERN_TUNING=off
library=${TERN_OCLGRIND_LIBRARY:-}
for place in /usr/lib/oclgrind /usr/lib/*/oclgrind /usr/local/lib; do
  [[ -z $library && -e $place/liboclgrind-rt-icd.so ]] && library=$place/liboclgrind-rt-icd.so
done
if [[ -z $library ]]; then
  echo "oclgrind: skipped, liboclgrind-rt-icd.so is not here (Debian: oclgrind); TERN_OCLGRIND_LIBRARY may name it" >&2
  exit 0
fi

"$swift" build --build-tests -Xcc -O2

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# The loader takes the path of a library in place of a directory of .icd files: no other device is in the way.
simulate() {
  # CLBlast's kernels are not ours to mend: without the library ours do its work.
  TERN_CLBLAST_LIBRARY=/nonexistent OCL_ICD_VENDORS=$library OCLGRIND_DATA_RACES=1 \
    OCLGRIND_UNINITIALIZED=1 OCLGRIND_MAX_ERRORS=50000 OCLGRIND_LOG=$logs/$1 \
    "$swift" test --skip-build -Xcc -O2 --filter "OclgrindTests/$1"
}

simulate plantedFaultsAreReported
if [[ ! -s $logs/plantedFaultsAreReported ]]; then
  echo "oclgrind: the planted faults were not reported, so the run below would prove nothing" >&2
  exit 1
fi

status=0
simulate everyKernelRunsClean || status=$?
if [[ -s $logs/everyKernelRunsClean ]]; then
  echo "oclgrind: faults in kernels; by kind and by kernel:" >&2
  grep -E '^[A-Z]' "$logs/everyKernelRunsClean" | sed 's/ 0x[0-9a-f]*$//' | sort | uniq -c | sort -rn >&2
  grep -E '^\s*Kernel:' "$logs/everyKernelRunsClean" | sort | uniq -c | sort -rn >&2
  head -n 60 "$logs/everyKernelRunsClean" >&2
  exit 1
fi
((status == 0)) || exit "$status"
echo "oclgrind: clean"
