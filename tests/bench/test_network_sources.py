"""What was trained: out of run folders and bundles."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench.network_sources import flattened, is_training, network_of, read_training, require_distinct
from export.bundle import write_container
from export.manifest import encode_manifest
from onboard.errors import BundleError, CaptureError, UsageError
from onboard.models import registry
from onboard.models.cost import measure
from onboard.sensors import load_sensor
from tests.export.samples import SEQUENCE, sample_manifest, sample_parts, sample_plan

SETTINGS: dict[str, Any] = {"widths": [8, 8, 8, 8], "mineral_widths": [8, 8]}


def run_folder(folder: Path, **changes: Any) -> Path:
    """Write what the table reads of a run folder; the weights are a few bytes of its own name."""
    recipe = {"name": "x", "model": "linescan", "sensor": "emit", "seed": 1, "steps": 10, "batch": 3}
    recipe |= {"settings": SETTINGS, "pool": {"train": 4, "seed": 7}} | changes
    folder.mkdir(parents=True)
    (folder / "model.pt").write_bytes(folder.name.encode())
    for name, content in (("recipe", recipe), ("metrics", {})):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def bundle_of(path: Path, recipe: dict[str, Any]) -> Path:
    manifest = sample_manifest(sample_plan()) | {"training": {"recipe": recipe}}
    path.write_bytes(write_container(sample_parts(manifest__json=encode_manifest(manifest)), SEQUENCE))
    return path


def test_a_run_folder_says_what_was_trained(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a")
    one = read_training(folder)
    assert is_training(folder)
    assert not is_training(tmp_path)
    assert (one.seed, one.samples_seen, one.precision, one.label) == ("1", 30, "float32", "linescan")
    assert one.digest == sha256(b"a").hexdigest()
    assert one.network.methane_macs is not None
    assert one.network.methane_macs < one.network.all_macs


def test_a_bundle_says_the_same_of_its_training(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a")
    path = bundle_of(tmp_path / "b.onb", json.loads((folder / "recipe.json").read_text()))
    one, other = read_training(folder), read_training(path)
    assert other.digest == sha256(path.read_bytes()).hexdigest()
    assert one.kind == other.kind
    require_distinct([one, other])


def test_seeds_alone_make_no_other_network(tmp_path: Path) -> None:
    pool = {"train": 4, "seed": 8}
    first, again = run_folder(tmp_path / "a"), run_folder(tmp_path / "b", seed=2, name="y", pool=pool)
    longer = run_folder(tmp_path / "c", steps=20)
    one, same, other = (read_training(each) for each in (first, again, longer))
    assert one.kind == same.kind != other.kind
    require_distinct([one, same, other])


def test_a_seed_that_would_count_twice_is_refused(tmp_path: Path) -> None:
    one, other = (read_training(run_folder(tmp_path / name)) for name in "ab")
    with pytest.raises(UsageError, match="given twice") as caught:
        require_distinct([one, other])
    assert caught.value.file == str(tmp_path / "b")
    with pytest.raises(UsageError):
        require_distinct([one, one])


def test_a_published_network_is_named_by_its_changes() -> None:
    sensor = load_sensor("emit")
    settings = {"small_strides": True}
    found = network_of("hyper_efficientvit", "emit", json.dumps(settings))
    assert found.name == "hyper_efficientvit Conv+Up+Stride"
    network = registry.build("hyper_efficientvit", centres=sensor.centres, fwhm=sensor.fwhm, **settings)
    assert found.parameters == sum(p.numel() for p in network.parameters())
    assert found.all_macs == measure(network, (1, network.channels, 128, 128)).macs_a_pixel
    ground = network_of("hyper_efficientvit", "emit", '{"tasks": "minerals"}')
    assert ground.name == "hyper_efficientvit Conv+Up, minerals"
    assert ground.methane_macs is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": None}, "names no network"),
        ({"model": "resnet"}, "cannot be built"),
        ({"settings": {"depth": 3}}, "cannot be built"),
        ({"sensor": "nothing"}, "cannot be built"),
        ({"settings": 4}, "malformed"),
    ],
)
def test_recipes_of_no_network_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        read_training(run_folder(tmp_path / "a", **changes))


def test_missing_weights_and_bundles_are_named(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a")
    (folder / "model.pt").unlink()
    with pytest.raises(CaptureError, match=r"model\.pt"):
        read_training(folder)
    with pytest.raises(BundleError):
        read_training(tmp_path / "none.onb")


def test_tables_become_dotted_keys() -> None:
    assert flattened({"a": 1, "b": {"c": 2, "d": {"e": [3]}}}) == {"a": 1, "b.c": 2, "b.d.e": [3]}
