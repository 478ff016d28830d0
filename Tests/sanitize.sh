#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs tests under the compiler's sanitizers, each in a build of its own under .build:
#   address   the suite on every device: AddressSanitizer, and UndefinedBehaviorSanitizer for the C targets
#   thread    the tests that work on several threads: ThreadSanitizer
# Without arguments both. First a planted fault of each kind must be reported, or silence would mean nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=${SWIFT:-swift}
export TERN_TUNING=off
# Swift's backtracer reads the memory of a process that trapped from within it, which the sanitizers report.
export SWIFT_BACKTRACE=enable=no
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# check NAME [FLAG...] -- [TEST_ARGUMENT...]: builds with the flags, plants faults, runs the tests. The sanitizer's
# settings are in the array `options`.
check() {
  local name=$1 flags=() started=$SECONDS status=0 variable settings
  shift
  while [[ $1 != -- ]]; do flags+=("$1"); shift; done
  shift
  flags+=(--scratch-path ".build/sanitize-$name" --sanitize "$name")
  case $name in address) variable=ASAN_OPTIONS ;; thread) variable=TSAN_OPTIONS ;; esac
  settings=$(IFS=: && echo "${options[*]}")

  echo "sanitize: building for $name"
  "$swift" build --build-tests "${flags[@]}" >"$logs/build" 2>&1 || {
    # The linker says of thousands of the sanitizers' symbols that they stay in the program, where they belong.
    grep -v 'Cannot export local symbol' "$logs/build" | tail -n 60 >&2
    exit 1
  }
  echo "sanitize: built after $((SECONDS - started)) s"
  env "$variable=$settings" ".build/sanitize-$name/debug/tern" devices | grep -q '^opencl:0' \
    || echo "sanitize: there is no OpenCL device, so this run is about the CPU only" >&2

  env "$variable=$settings" UBSAN_OPTIONS=halt_on_error=1 TERN_SANITIZER="$name" \
    "$swift" test --skip-build "${flags[@]}" --filter SanitizerTests >"$logs/planted" 2>&1 || status=$?
  if ((status != 0)) || ! grep -q 'Test plantedFaultsAreReported.* passed' "$logs/planted"; then
    tail -n 60 "$logs/planted" >&2
    echo "sanitize: $name did not report the planted faults, so the run below would prove nothing" >&2
    exit 1
  fi

  # Reports go to files: a test that waits for its process to fail must not take one for what it waits for.
  env "$variable=$settings:log_path=$logs/$name" UBSAN_OPTIONS=print_stacktrace=1 \
    "$swift" test --skip-build "${flags[@]}" "$@" >"$logs/tests" 2>&1 || status=$?
  if compgen -G "$logs/$name.*" >/dev/null; then
    echo "sanitize: $name found" >&2
    grep -hE '^SUMMARY|runtime error|^==.*ERROR' "$logs/$name".* | sort | uniq -c | sort -rn >&2
    for report in "$logs/$name".*; do head -n 60 "$report" >&2; done
    exit 1
  fi
  if ((status != 0)) || ! grep -q 'Test run with [1-9]' "$logs/tests"; then
    grep -E '✘|rror:' "$logs/tests" >&2 || tail -n 60 "$logs/tests" >&2
    exit 1
  fi
  tail -n 1 "$logs/tests"
  echo "sanitize: $name clean after $((SECONDS - started)) s"
}

address() {
  local options=(
    detect_leaks=0     # the test libraries leak; our own counters of live objects hold leaks
    use_sigaltstack=0  # LLVM, inside of PoCL, gives threads another signal stack, which the sanitizer would unmap
  )
  local skipped=(
    --skip ApplicationTests  # builds a package of its own, without sanitizers
    # Counts the memory of the process, of which the sanitizer keeps what was freed.
    --skip tenThousandStepsWhoseLossesNobodyReadsDoNotGrow
  )
  check address -Xcc -O1 -Xcc -fsanitize=undefined,float-cast-overflow -- "${skipped[@]}"
}

thread() {
  local options=(
    # Of libraries without instrumentation (Swift's, PoCL, LLVM) it sees the memory accesses in calls of the C library,
    # but not the atomic operations that order them.
    ignore_noninstrumented_modules=1
    suppressions="$PWD/Tests/sanitize-thread.supp"
  )
  # The pools, the caches, the queue, traces, prefetch, shared tensors, the end of the process: all suites run side by
  # side, on one CPU device and one OpenCL device.
  local suites=(
    ThreadPool MemoryPool Sharing Laziness Recompute InPlaceUpdate TensorRandom FileCache DiskProgramCache ChoiceTable
    TuningFile OpenCLMemory OpenCLDevices LaunchTrace DeviceTrace TraceFile Prefetcher DataLoader Resume Fault Exit
  )
  local filters=()
  for suite in "${suites[@]}"; do
    grep -rqE "(struct|class) ${suite}Tests\b" Tests || { echo "sanitize: there is no suite ${suite}Tests" >&2; exit 1; }
    filters+=(--filter "\\.${suite}Tests/")
  done
  # Swift's Mutex comes from such a library: in this build locks are those of the system, see Lock.swift.
  check thread -Xcc -O1 -Xswiftc -DTERN_PTHREAD_LOCKS -- "${filters[@]}"
}

for name in "${@:-address thread}"; do
  case $name in
    address | thread) "$name" ;;
    "address thread") address; thread ;;
    *) echo "sanitize: expected address or thread, got '$name'" >&2; exit 64 ;;
  esac
done
