# SPDX-License-Identifier: MIT
# `make demo` and `make test` need nothing but Swift: they install what is missing, where they may.

SWIFT ?= swift
# SwiftPM compiles C at -O0 in debug builds, which makes the CPU's loops about nine times slower.
DEBUG_FLAGS := -Xcc -O2
# Tests neither use what `tern tune` chose on this machine nor leave their problems to it (TERN_TUNING=off).
# Arguments for `make demo`, `make bench`, `make sanitize` and `make test-driver`, for example ARGS="--only sgemm".
ARGS ?=
# An OpenCL driver for `make test-driver`: its library, or a folder of .icd files.
DRIVER ?=

.PHONY: help deps build demo test test-driver bench report bundle lint docs oclgrind sanitize check-aarch64 clean
.DEFAULT_GOAL := help

help:
	@echo "make demo           install what is missing, build, train LeNet-5 on the CPU and on an OpenCL device"
	@echo "make test           install what is missing, run the test suite on the CPU and on every OpenCL device"
	@echo "make test-driver    run the test suite on another OpenCL driver (DRIVER=/path/to/libintelocl.so)"
	@echo "make deps           install what is missing (apt), or say what is and what still works"
	@echo "make build          release build of the libraries, tern and tern-bench"
	@echo "make bench          time every case on every device (ARGS=\"--only sgemm --html report.html\")"
	@echo "make report         render the page of tern-bench --html in headless Chromium and look for faults"
	@echo "make bundle         .build/bundle.tar.xz: programs and tests that run on a machine without Swift, such as a GPU server"
	@echo "make lint           layout, licence lines and file sizes"
	@echo "make docs           documentation archive in .build/docs; warnings are errors"
	@echo "make oclgrind       run every kernel in the Oclgrind simulator: bounds, data races, initialization"
	@echo "make sanitize       run the suite under the sanitizers (ARGS=address or thread: one of the two builds)"
	@echo "make check-aarch64  compile the C sources for aarch64"

deps:
	@.ci/deps

build: deps
	$(SWIFT) build -c release

demo: deps
	$(SWIFT) build -c release --product tern
	$(SWIFT) run -c release --skip-build tern demo $(ARGS)

test: deps
	TERN_TUNING=off $(SWIFT) test $(DEBUG_FLAGS)

test-driver: deps
	@SWIFT="$(SWIFT)" DRIVER="$(DRIVER)" Tests/driver.sh $(ARGS)

bench: deps
	$(SWIFT) build -c release --product tern-bench
	$(SWIFT) run -c release --skip-build tern-bench $(ARGS)

report:
	@.ci/deps chromium
	$(SWIFT) build -c release --product tern-bench
	@Tests/report.sh

bundle:
	@.ci/deps patchelf
	@SWIFT="$(SWIFT)" .ci/bundle
	@Tests/bundle.sh

lint:
	@.ci/lint

docs: deps
	@.ci/docs

oclgrind:
	@.ci/deps oclgrind
	@Tests/oclgrind.sh

sanitize: deps
	@Tests/sanitize.sh $(ARGS)

check-aarch64:
	@.ci/deps libc6-dev-arm64-cross
	@.ci/check-aarch64

clean:
	$(SWIFT) package clean
