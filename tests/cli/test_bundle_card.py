"""``onboard bundle card``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from export.bundle import write_container
from export.keys import DEVELOPMENT_KEY
from onboard.cli import main
from onboard.flight.card import CARD_PART
from tests.export.samples import SEQUENCE, sample_parts
from tests.support.cards import carded_parts


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return carded_parts(tmp_path_factory.mktemp("card"), scored=False)


@pytest.fixture
def bundle(parts: dict[str, bytes], tmp_path: Path) -> Path:
    path = tmp_path / "x.onb"
    path.write_bytes(write_container(parts, SEQUENCE))
    return path


def test_the_card_is_printed(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "card", str(bundle)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# sample 0.0.1")
    assert "## Known failures and limits" in text


def test_the_card_as_json_is_the_part(
    bundle: Path, parts: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "card", str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(parts[CARD_PART])


def test_show_names_it(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "show", str(bundle)]) == 0
    text = capsys.readouterr().out
    assert "model card   format 1, " in text
    assert "`onboard bundle card` prints it" in text
    bundle.write_bytes(write_container(sample_parts(), SEQUENCE))
    assert main(["bundle", "show", str(bundle)]) == 0
    assert "model card   none" in capsys.readouterr().out


def test_a_bundle_without_one_says_so(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle.write_bytes(write_container(sample_parts(), SEQUENCE))
    assert main(["bundle", "card", str(bundle)]) == 4
    assert "no model card" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"accuracy": 3}, {"network": {}}, {"limits": []}, {"thresholds": [{}]}])
def test_a_card_of_odd_things_gives_no_traceback(
    bundle: Path, parts: dict[str, bytes], change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    odd = json.dumps(json.loads(parts[CARD_PART]) | change).encode()
    bundle.write_bytes(write_container(parts | {CARD_PART: odd}, SEQUENCE))
    assert main(["bundle", "card", str(bundle)]) == 4
    message = capsys.readouterr().err
    assert "holds something else" in message
    assert "Traceback" not in message
    assert main(["bundle", "card", str(bundle), "--json"]) == 0
    assert main(["bundle", "show", str(bundle)]) == 0


def test_no_card_of_another_bundle_is_signed(
    bundle: Path, parts: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "sign", str(bundle), "--key", str(DEVELOPMENT_KEY)]) == 0
    assert main(["bundle", "verify", str(bundle)]) == 0
    capsys.readouterr()
    bundle.write_bytes(write_container(parts | {"stem.onnx": b"other"}, SEQUENCE))
    before = bundle.read_bytes()
    assert main(["bundle", "sign", str(bundle), "--key", str(DEVELOPMENT_KEY)]) == 4
    assert "other networks" in capsys.readouterr().err
    assert bundle.read_bytes() == before


def test_a_scored_bundle_alone_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bundle", "build", str(tmp_path), "--out", str(tmp_path / "y.onb"), "--scored", "b.onb"]
    assert main(arguments) == 2
    assert "--results" in capsys.readouterr().err


def test_scores_of_a_denoiser_need_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bundle", "build", str(tmp_path), "--out", str(tmp_path / "y.onb")]
    assert main([*arguments, "--denoiser-scores", str(tmp_path)]) == 2
    assert "--denoiser RUN" in capsys.readouterr().err


def test_the_card_needs_no_ground_library(bundle: Path) -> None:
    program = (
        "import sys; from onboard.cli import main\n"
        f"code = main(['bundle', 'card', {str(bundle)!r}])\n"
        "heavy = {'torch', 'onnx', 'cryptography', 'export', 'bench'} & set(sys.modules)\n"
        "sys.exit(f'{code} {heavy}' if heavy or code else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
