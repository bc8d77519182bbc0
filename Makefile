# Onboard: `make demo` and `make test` do all the set-up they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
DEMO_SEED := 20261120
PIP := $(BIN)/python -m pip --disable-pip-version-check
CORE := pyproject.toml onboard/flight/CMakeLists.txt $(wildcard onboard/flight/src/* onboard/flight/include/* onboard/flight/cmake/*)
SANITIZED := build/flight-sanitized

.PHONY: help demo test test-python test-core lint format bench campaign system clean

help:
	@echo "make demo    simulate a full-size capture, replay it through the flight core, score it (no torch)"
	@echo "make test    all tests: Python, and the C++ core under ASan and UBSan"
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
