# Onboard: `make demo` and `make test` do all the set-up they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
DEMO_SEED := 20261120
PIP := $(BIN)/python -m pip --disable-pip-version-check
CORE := pyproject.toml onboard/flight/CMakeLists.txt $(wildcard onboard/flight/src/* onboard/flight/include/* onboard/flight/cmake/*)
SANITIZED := build/flight-sanitized
ARM := build/flight-arm
ARM_PACKAGES := cmake make g++-aarch64-linux-gnu qemu-user-static

.PHONY: help demo test test-python test-core test-arm lint format bench campaign system clean

help:
	@echo "make demo    simulate a full-size capture, replay it through the flight core, score it (no torch)"
	@echo "make test    all tests: Python, and the C++ core under ASan and UBSan"
	@echo "make test-arm  the C++ core built for 64-bit ARM, its tests under qemu (not part of make test)"
	@echo "make lint    ruff and mypy --strict"
	@echo "make bench   timings (pytest-benchmark); nothing else should run meanwhile"
	@echo "make campaign  accuracy on five simulated captures that no training saw; 25,000 damaged bundles and deltas"
	@echo "make system  the system packages alone: compiler, CMake, libsodium, ONNX Runtime's C headers"

system:
	@sh .ci/system-packages

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The light install: what replays, nothing that trains.
$(VENV)/light.stamp: $(CORE) | system $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/dev.stamp: $(CORE) | system $(BIN)/python
	$(PIP) install --quiet --editable '.[train,export,dev]'
	@touch $@ $(VENV)/light.stamp

$(DEMO)/capture.nc: | $(VENV)/light.stamp
	@mkdir -p $(DEMO)
	$(BIN)/onboard simulate $@ --seed $(DEMO_SEED) --plumes 20 --emission 1000 20000 --overwrite

demo: $(VENV)/light.stamp $(DEMO)/capture.nc
	$(BIN)/onboard replay $(DEMO)/capture.nc --out $(DEMO)/run --overwrite
	$(BIN)/onboard evaluate $(DEMO)/run --truth $(DEMO)/capture.truth.nc
	@echo "Pictures: $(DEMO)/run/quicklook/   figures: $(DEMO)/run/summary.json, $(DEMO)/run/evaluation.json"

test: test-core test-python

test-python: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

test-core: $(VENV)/dev.stamp
	cmake -S onboard/flight -B $(SANITIZED) -DCMAKE_BUILD_TYPE=Debug -DONBOARD_TESTS=ON -DONBOARD_SANITIZE=ON \
	  -DONNXRUNTIME_LIBRARY="$$($(BIN)/python -c 'from onboard.flight.core import find_engine; print(find_engine())')"
	cmake --build $(SANITIZED) --parallel 2
	ctest --test-dir $(SANITIZED) --output-on-failure

# ARM_ENGINE may name ONNX Runtime's library for 64-bit ARM; test_engine is left out without it.
test-arm:
	@for tool in cmake make aarch64-linux-gnu-g++ qemu-aarch64-static; do \
	  command -v $$tool >/dev/null 2>&1 && continue; \
	  echo "make test-arm: $$tool is missing. On Debian: apt-get install $(ARM_PACKAGES)" >&2; exit 2; done
	@sh onboard/flight/cmake/fetch_onnxruntime_headers.sh build/onnxruntime
	@sh onboard/flight/cmake/fetch_arm_libraries.sh $(ARM)/libraries
	env -u ONNXRUNTIME_LIBRARY cmake -S onboard/flight -B $(ARM) -DONBOARD_TESTS=ON -DONBOARD_ARM_ROOT="$(CURDIR)/$(ARM)/libraries" \
	  --toolchain "$(CURDIR)/onboard/flight/cmake/aarch64-linux-gnu.cmake" -DONNXRUNTIME_LIBRARY="$(ARM_ENGINE)"
	cmake --build $(ARM) --parallel 2
	QEMU_CPU=cortex-a57 ONBOARD_EXPECTED_KERNELS=neon ctest --test-dir $(ARM) --output-on-failure
	QEMU_CPU=max ONBOARD_EXPECTED_KERNELS=dotprod ctest --test-dir $(ARM) --output-on-failure

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m pytest bench --benchmark-only

campaign: $(VENV)/dev.stamp
	$(BIN)/python -m bench.campaign
	$(BIN)/python -m bench.bundle_fuzz --out runs/campaign/bundle_fuzz.json

clean:
	rm -rf build runs $(VENV)
