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
tests=$("$swift" build --build-tests -Xcc -O2 --show-bin-path)/ternPackageTests.xctest

logs=$(mktemp -d)
beside=
trap '[[ -z $beside ]] || kill "$beside" 2>/dev/null || true; rm -rf "$logs"' EXIT
# The loader takes the path of a library in place of a directory of .icd files: no other device is in the way. CLBlast's
# kernels are not ours to mend: without the library ours do its work.
export OCL_ICD_VENDORS=$library TERN_CLBLAST_LIBRARY=/nonexistent
export OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_MAX_ERRORS=50000
simulate() {
  OCLGRIND_LOG=$logs/$1.log "$tests" --testing-library swift-testing --filter "OclgrindTests/($2)"
}

simulate planted plantedFaultsAreReported
if [[ ! -s $logs/planted.log ]]; then
  echo "oclgrind: the planted faults were not reported, so the runs below would prove nothing" >&2
  exit 1
fi

# The simulator keeps little more than one core busy. Not by way of `simulate`: `$!` is the process itself.
status=0
OCLGRIND_LOG=$logs/cases.log "$tests" --testing-library swift-testing \
  --filter "OclgrindTests/(goldenCasesRunClean|tourOfCPUsRunsClean)" >"$logs/output" 2>&1 &
beside=$!
simulate tour tourOfGPUsRunsClean || status=$?
wait "$beside" || status=$?
beside=
cat "$logs/output"
for log in "$logs"/{tour,cases}.log; do
  [[ -s $log ]] || continue
  echo "oclgrind: faults in kernels; by kind and by kernel:" >&2
  grep -E '^[A-Z]' "$log" | sed 's/ 0x[0-9a-f]*$//' | sort | uniq -c | sort -rn >&2
  grep -E '^\s*Kernel:' "$log" | sort | uniq -c | sort -rn >&2
  head -n 60 "$log" >&2
  status=1
done
((status == 0)) || exit "$status"
simulate all everyKernelRan
echo "oclgrind: clean"
