"""The structs for ctypes against the C compiler's own view of ``onboard.h``."""

from __future__ import annotations

import ctypes as c
import shutil
import subprocess
from pathlib import Path

import pytest

from onboard.flight import structs
from tests.flight.compiling import C_FLAGS, INCLUDE

PAIRS: dict[str, type[structs.SizedStruct]] = {
    "onb_detail": structs.Detail,
    "onb_config": structs.Config,
    "onb_bundle_description": structs.BundleDescription,
    "onb_delta_description": structs.DeltaDescription,
    "onb_lines": structs.Lines,
    "onb_products": structs.Products,
    "onb_radiance": structs.Radiance,
    "onb_event": structs.Event,
    "onb_health_report": structs.HealthReport,
}
SIZES = {
    "onb_detail": 552,
    "onb_config": 112,
    "onb_bundle_description": 184,
    "onb_delta_description": 144,
    "onb_lines": 24,
    "onb_products": 80,
    "onb_radiance": 48,
    "onb_event": 80,
    "onb_health_report": 192,
}
"""Golden: a change here changes the interface, and onb_abi_version must rise with it, unless the struct grew
at its end and the core still takes the older size."""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_fields_lie_where_the_compiler_puts_them(tmp_path: Path) -> None:
    rows = [
        f'printf("{name} {field[0]} %zu\\n", offsetof({name}, {field[0]}));'
        for name, kind in PAIRS.items()
        for field in kind._fields_
    ]
    sizes = [f'printf("{name} size %zu\\n", sizeof({name}));' for name in PAIRS]
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <onboard.h>\n#include <stddef.h>\n#include <stdio.h>\n"
        "int main(void) {\n" + "\n".join(rows + sizes) + "\nreturn 0;\n}\n",
        encoding="ascii",
    )
    program = tmp_path / "layout"
    subprocess.run(["cc", *C_FLAGS, "-I", INCLUDE, source, "-o", program], check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    expected = [
        f"{name} {field[0]} {getattr(kind, field[0]).offset}"
        for name, kind in PAIRS.items()
        for field in kind._fields_
    ]
    expected += [f"{name} size {c.sizeof(kind)}" for name, kind in PAIRS.items()]
    assert printed.split("\n")[:-1] == expected


def test_sizes_are_golden() -> None:
    assert {name: c.sizeof(kind) for name, kind in PAIRS.items()} == SIZES


def test_a_struct_knows_its_size() -> None:
    for kind in PAIRS.values():
        assert kind().struct_size == c.sizeof(kind)
