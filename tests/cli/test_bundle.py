"""The verbs of ``onboard bundle``, from build to verify."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from export.bundle import sign_container, write_container
from export.keys import DEVELOPMENT_KEY, generate_key_pair, load_private_key
from onboard.cli import main
from onboard.flight.bundle import default_bundle_path
from quantize.gate import Verdict
from tests.export.samples import SEQUENCE, sample_parts
from tests.support.int8 import build_int8_bundle


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    path = tmp_path / "x.onb"
    path.write_bytes(write_container(sample_parts(), SEQUENCE))
    return path


@pytest.fixture
def signed(unsigned: Path) -> Path:
    unsigned.write_bytes(sign_container(unsigned.read_bytes(), load_private_key(DEVELOPMENT_KEY)))
    return unsigned


def test_path_prints_where_the_shipped_bundle_lies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "path"]) == 0
    assert capsys.readouterr().out == f"{default_bundle_path()}\n"


def test_sign_then_verify(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = unsigned.with_name("signed.onb")
    assert main(["bundle", "sign", str(unsigned), "--key", str(DEVELOPMENT_KEY), "--out", str(out)]) == 0
    assert "development key" in capsys.readouterr().err
    assert main(["bundle", "verify", str(out)]) == 0
    captured = capsys.readouterr()
    assert f"good; sample 0.0.1, sequence {SEQUENCE}, signed by development-only" in captured.out
    assert "development key" in captured.err
    assert main(["bundle", "verify", str(unsigned)]) == 4
    assert "not signed" in capsys.readouterr().err


def test_a_mission_s_own_key_is_trusted_when_named(
    unsigned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "keygen", "mission", "--folder", str(unsigned.parent)]) == 0
    key, public = unsigned.with_name("mission.key"), unsigned.with_name("mission.pub")
    assert key.stat().st_mode & 0o777 == 0o600
    assert main(["bundle", "sign", str(unsigned), "--key", str(key)]) == 0
    assert main(["bundle", "verify", str(unsigned), "--trust", str(public)]) == 0
    assert "signed by mission" in capsys.readouterr().out
    assert main(["bundle", "verify", str(unsigned)]) == 4
    assert "not trusted" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["flip", "cut", "version"])
def test_a_damaged_bundle_is_refused(signed: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(signed.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-200:]
    else:
        data[8] = 2
    signed.write_bytes(data)
    for verb in (["verify"], ["show"], ["sign", "--key", str(DEVELOPMENT_KEY)]):
        assert main(["bundle", *verb, str(signed)]) == 4
        message = capsys.readouterr().err
        assert "x.onb" in message
        assert "expected" in message
        assert "Traceback" not in message
    assert signed.read_bytes() == data


def test_show_tells_parts_and_signature(signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "show", str(signed)]) == 0
    text = capsys.readouterr().out
    assert "good; by development-only (published: never for flight)" in text
    for name, part in sample_parts().items():
        assert f"{name:<20} {len(part):>10} bytes" in text


def test_show_as_json(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "show", str(unsigned), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["signature"] == {
        "signed": False,
        "key_id": None,
        "key": None,
        "development_key": False,
        "good": False,
        "problem": "the bundle is not signed",
    }
    assert [part["name"] for part in shown["parts"]] == list(sample_parts())
    assert shown["manifest"]["minerals"] == ["calcite", "gypsum", "kaolinite"]


def test_show_names_an_unknown_signer(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private, _ = generate_key_pair("stranger", unsigned.parent)
    unsigned.write_bytes(sign_container(unsigned.read_bytes(), load_private_key(private)))
    assert main(["bundle", "show", str(unsigned)]) == 0
    assert "not trusted; by unknown key" in capsys.readouterr().out


def test_build_asks_before_it_replaces(unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = unsigned.read_bytes()
    assert main(["bundle", "build", str(unsigned.parent), "--out", str(unsigned)]) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert unsigned.read_bytes() == kept


def test_build_refuses_what_is_no_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "build", str(tmp_path / "none"), "--out", str(tmp_path / "y.onb")]) == 3
    assert "onboard train" in capsys.readouterr().err
    assert not (tmp_path / "y.onb").exists()


def test_build_numbers_onwards(
    unsigned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []

    def build(run_dir: Path, out: Path, sequence: int, *, name: str, **parts: Path | None) -> Path:
        seen.append(sequence)
        return out

    monkeypatch.setattr("export.assemble.build_from_training", build)
    monkeypatch.setattr("onboard.flight.bundle.default_bundle_path", lambda: unsigned)
    out = str(unsigned.with_name("new.onb"))
    assert main(["bundle", "build", ".", "--out", out]) == 0
    assert main(["bundle", "build", ".", "--out", out, "--sequence", "3"]) == 0
    assert seen == [SEQUENCE + 1, 3]
    assert "not signed" in capsys.readouterr().out


def test_show_verify_and_path_import_no_ground_library(signed: Path) -> None:
    program = (
        "import sys; from onboard.cli import main\n"
        f"codes = [main(['bundle', verb, {str(signed)!r}]) for verb in ('show', 'verify')]\n"
        "codes += [main(['bundle', 'path'])]\n"
        "heavy = {'torch', 'onnx', 'cryptography', 'export', 'lightning'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or any(codes) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def quantized(folder: Path, report: object) -> Path:
    """Write a small bundle with a quantized body and what its gate is said to have found."""
    path = folder / "int8.onb"
    path.write_bytes(build_int8_bundle(manifest={"quantization": {"gate": report}}).data)
    return path


def test_a_quantized_bundle_is_signed_by_leave_of_its_gate_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact, worse = {"methane_f1": 0.7, "mineral_f1": 0.6}, {"methane_f1": 0.69, "mineral_f1": 0.6}
    for report, words in (
        (None, "needs the gate"),
        (Verdict("x", exact, worse).as_dict(), "the gate refuses"),
    ):
        path = quantized(tmp_path, report)
        before = path.read_bytes()
        assert main(["bundle", "sign", str(path), "--key", str(DEVELOPMENT_KEY)]) == 4
        assert words in capsys.readouterr().err
        assert path.read_bytes() == before
    path = quantized(tmp_path, Verdict("x", exact, exact).as_dict())
    assert main(["bundle", "sign", str(path), "--key", str(DEVELOPMENT_KEY)]) == 0
    assert main(["bundle", "verify", str(path)]) == 0


def test_any_but_the_development_key_asks_for_the_gate_on_the_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = {"methane_f1": 0.7, "mineral_f1": 0.6}
    good = Verdict("x", exact, exact).as_dict()
    assert main(["bundle", "keygen", "mission", "--folder", str(tmp_path)]) == 0
    sign = ["--key", str(tmp_path / "mission.key")]
    path = quantized(tmp_path, good)
    assert main(["bundle", "sign", str(path), *sign]) == 4
    assert "benchmark_gate" in capsys.readouterr().err
    reports = {"gate": good, "benchmark_gate": good | {"frozen": True}}
    path.write_bytes(build_int8_bundle(manifest={"quantization": reports}).data)
    assert main(["bundle", "sign", str(path), *sign]) == 0


@pytest.mark.parametrize("asked", [["--exact", "folder"], ["--exact", "f", "--exact-bundle", "b"]])
def test_the_gate_on_the_benchmark_needs_both_flights(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "build", str(tmp_path), "--out", str(tmp_path / "y.onb"), *asked]) == 2
    assert "--exact" in capsys.readouterr().err


def test_show_says_the_precision(tmp_path: Path, unsigned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "show", str(unsigned)]) == 0
    assert "precision    float32" in capsys.readouterr().out
    assert main(["bundle", "show", str(quantized(tmp_path, None))]) == 0
    text = capsys.readouterr().out
    assert "precision    int8" in text
    assert "body.i8" in text


@pytest.mark.parametrize("asked", [["--precision", "int8"], ["--quantized", "folder"]])
def test_int8_and_its_folder_go_together(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "build", str(tmp_path), "--out", str(tmp_path / "y.onb"), *asked]) == 2
    assert "onboard quantize" in capsys.readouterr().err
