"""Deltas and slots from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from export.keys import DEVELOPMENT_KEY, generate_key_pair
from onboard.cli import main
from tests.support.bundles import TEST_SEED, build_test_bundle, make_test_bundle

PLAN = {"stem_pixels": 16, "body_samples": 16, "inference_bytes": 8 << 20}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return an old and a new bundle, the key they are signed with, and where other files go."""
    paths = {name: tmp_path / name for name in ("old.onb", "new.onb", "d.ond", "made.onb", "slots")}
    for sequence, name in ((3, "old.onb"), (4, "new.onb")):
        bundle = build_test_bundle(samples_hint=16, sequence=sequence, seed=sequence, **PLAN)  # type: ignore[arg-type]
        paths[name].write_bytes(bundle.data)
        (tmp_path / "test.pub").write_text(bundle.public_key.hex())
    (tmp_path / "test.key").write_text(TEST_SEED.hex())
    (tmp_path / "test.key").chmod(0o600)
    return {
        **{name: str(path) for name, path in paths.items()},
        "key": str(tmp_path / "test.key"),
        "pub": str(tmp_path / "test.pub"),
    }


def run(*arguments: str) -> int:
    return main(["bundle", *arguments])


def test_a_delta_goes_up_and_flies(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new, delta, trust = files["old.onb"], files["new.onb"], files["d.ond"], ("--trust", files["pub"])
    assert run("diff", old, new, "--out", delta) == 0
    assert "not signed" in capsys.readouterr().out
    assert run("apply", old, delta, "--out", files["made.onb"], *trust) == 4
    assert "the delta is not signed" in capsys.readouterr().err
    assert not Path(files["made.onb"]).exists()
    assert run("sign", delta, "--key", files["key"]) == 0
    assert run("apply", old, delta, "--out", files["made.onb"], *trust) == 0
    assert Path(files["made.onb"]).read_bytes() == Path(new).read_bytes()
    assert run("slots", files["slots"], "--first", old, *trust) == 0
    assert run("stage", files["slots"], delta, *trust) == 0
    assert run("activate", files["slots"], *trust) == 0
    assert run("slots", files["slots"], *trust) == 0
    shown = capsys.readouterr().out
    assert "active    slot b  sequence 4" in shown
    assert "previous  slot a  sequence 3" in shown
    assert run("rollback", files["slots"], *trust) == 0
    assert run("stage", files["slots"], new, *trust) == 4
    assert "older than allowed" in capsys.readouterr().err


def test_diff_signs_and_says_the_size(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new, delta = files["old.onb"], files["new.onb"], files["d.ond"]
    assert run("diff", old, new, "--out", delta, "--key", files["key"]) == 0
    assert f"{Path(delta).stat().st_size} bytes" in capsys.readouterr().out
    assert run("diff", old, new, "--out", delta) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert run("diff", new, old, "--out", delta, "--overwrite") == 4
    assert "not newer" in capsys.readouterr().err
    assert run("diff", "nowhere.onb", new, "--out", delta, "--overwrite") == 4
    assert "nowhere.onb" in capsys.readouterr().err


def test_nothing_is_written_for_another_base(files: dict[str, str]) -> None:
    old, new, trust = files["old.onb"], files["new.onb"], ("--trust", files["pub"])
    assert run("diff", old, new, "--out", files["d.ond"], "--key", files["key"]) == 0
    assert run("apply", new, files["d.ond"], "--out", files["made.onb"], *trust) == 4
    assert run("apply", old, new, "--out", files["made.onb"], *trust) == 4
    assert not Path(files["made.onb"]).exists()


def test_limits_are_signed_and_hold(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    new, trust = files["new.onb"], ("--trust", files["pub"])
    assert run("sign", new, "--key", files["key"], "--expires", "2099-01-01", "--target", "ion-scv-004") == 0
    assert run("verify", new, *trust, "--target", "ion-scv-004") == 0
    assert run("verify", new, *trust, "--target", "x86-64-v4") == 4
    assert "another target" in capsys.readouterr().err
    assert run("sign", new, "--key", files["key"], "--expires", "2001-01-01") == 0
    capsys.readouterr()
    assert run("verify", new, *trust) == 4
    assert "expired" in capsys.readouterr().err
    assert run("show", new) == 0
    shown = capsys.readouterr().out
    assert "2001-01-01" in shown
    assert "ion-scv-004" in shown
    assert run("sign", new, "--key", files["key"], "--target", "No Such") == 4


def test_a_delta_takes_no_limits(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", files["old.onb"], files["new.onb"], "--out", files["d.ond"]) == 0
    assert run("sign", files["d.ond"], "--key", files["key"], "--target", "a") == 2
    assert "no limits of its own" in capsys.readouterr().err


def test_apply_and_slots_import_no_ground_library(tmp_path: Path) -> None:
    public = make_test_bundle(tmp_path / "x.onb", samples_hint=16)
    (tmp_path / "x.pub").write_text(public.hex())
    program = (
        "import sys; from onboard.cli import main\n"
        f"codes = [main(['bundle', 'slots', {str(tmp_path / 's')!r}, '--first', {str(tmp_path / 'x.onb')!r},"
        f" '--trust', {str(tmp_path / 'x.pub')!r}]),"
        f" main(['bundle', 'stage', {str(tmp_path / 's')!r}, {str(tmp_path / 'x.onb')!r}])]\n"
        "heavy = {'torch', 'onnx', 'cryptography', 'export', 'lightning'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or codes != [0, 4] else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_mission_s_key_signs_a_delta(files: dict[str, str], tmp_path: Path) -> None:
    private, public = generate_key_pair("mission", tmp_path)
    out, made = files["d.ond"], files["made.onb"]
    assert run("diff", files["old.onb"], files["new.onb"], "--out", out, "--key", str(private)) == 0
    assert run("apply", files["old.onb"], out, "--out", made, "--trust", str(public)) == 4
    both = ("--trust", str(public), "--trust", files["pub"])
    assert run("apply", files["old.onb"], out, "--out", made, *both) == 0
    assert (
        run(
            "diff",
            files["old.onb"],
            files["new.onb"],
            "--out",
            out,
            "--overwrite",
            "--key",
            str(DEVELOPMENT_KEY),
        )
        == 0
    )
