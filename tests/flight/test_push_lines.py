"""The example program: built as C99, run on raw lines, held against the Python face."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.flight.core import find_engine, find_library
from tests.flight.compiling import C_FLAGS, FLIGHT, INCLUDE
from tests.flight.flying import Array, fly
from tests.support.bundles import TestBundle, build_test_bundle, make_radiance

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
SAMPLES = 50
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def bundle() -> TestBundle:
    return build_test_bundle()


@pytest.fixture(scope="module")
def radiance(bundle: TestBundle) -> Array:
    return make_radiance(bundle, 137, SAMPLES)[0]


@pytest.fixture(scope="module")
def run(bundle: TestBundle, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Build the example; returns a function that runs it on arguments and standard input."""
    folder = tmp_path_factory.mktemp("example")
    program, library = folder / "push_lines", find_library()
    source = FLIGHT / "examples" / "push_lines.c"
    link = ["-I", str(INCLUDE), str(library), f"-Wl,-rpath,{library.parent}"]
    subprocess.run(["cc", *C_FLAGS, str(source), *link, "-o", str(program)], check=True)
    (folder / "x.onb").write_bytes(bundle.data)
    (folder / "x.pub").write_text(f"# a test's key\n{bundle.public_key.hex()}\n", encoding="ascii")

    def run_example(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ONNXRUNTIME_LIBRARY": str(find_engine())}
        done = subprocess.run(
            [program, *arguments], cwd=folder, input=given, capture_output=True, env=environment, check=False
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run_example


def test_it_is_short() -> None:
    lines = (FLIGHT / "examples" / "push_lines.c").read_text(encoding="ascii").splitlines()
    assert len(lines) <= 150


def test_events_equal_those_of_the_python_face(
    run: Run, bundle: TestBundle, radiance: Array, tmp_path: Path
) -> None:
    _, events = fly(bundle, radiance)
    done = run("x.onb", "x.pub", str(SAMPLES), given=radiance.tobytes())
    assert done.returncode == 0, done.stderr
    printed = re.findall(r"plume (\d+) lines (\d+)-(\d+) samples (\d+)-(\d+) pixels (\d+)", done.stdout)
    assert [tuple(map(int, row)) for row in printed] == [
        (e.event_id, e.first_line, e.last_line, e.first_sample, e.last_sample, e.area_pixels) for e in events
    ]
    assert len(printed) >= 2
    (tmp_path / "lines.f32").write_bytes(radiance.tobytes())
    assert run("x.onb", "x.pub", str(SAMPLES), str(tmp_path / "lines.f32")).stdout == done.stdout


def test_refusals_are_told(run: Run) -> None:
    assert run("x.onb").returncode == 1
    assert run("none.onb", "x.pub", "50").returncode == 2
    done = run("x.onb", "x.pub", "0")
    assert done.returncode == 2
    assert "config.samples" in done.stderr
    done = run("x.pub", "x.pub", "50")
    assert done.returncode == 2
    assert "not a bundle" in done.stderr


def test_input_that_is_no_whole_lines_is_told(run: Run, radiance: Array, tmp_path: Path) -> None:
    cut = run("x.onb", "x.pub", str(SAMPLES), given=radiance.tobytes()[:-4])
    whole = run("x.onb", "x.pub", str(SAMPLES), given=radiance[:-1].tobytes())
    assert (cut.returncode, whole.returncode) == (2, 0)
    assert cut.stdout == whole.stdout
    assert "do not end with a line" in cut.stderr
    assert run("x.onb", "x.pub", str(SAMPLES), str(tmp_path)).returncode == 2
