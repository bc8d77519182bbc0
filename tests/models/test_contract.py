"""What every registered network keeps, ours and the published ones: one suite over the registry."""

from __future__ import annotations

import io
import logging
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.onnx import export_graph
from onboard.flight.int8_body import Int8Body
from onboard.models import registry
from onboard.models.cost import measure
from onboard.models.linescan import Linescan
from onboard.sensors import load_sensor
from onboard.training.body_input import InputScales
from onboard.training.module import LinescanTraining
from onboard.training.network_input import SILENT_LOGIT, logits_of, tasks_of
from onboard.training.recipe import Recipe
from onboard.training.strips import HALO_LINES, STRIP_LINES
from onboard.training.tables import make_tables
from quantize.affine import Range
from quantize.calibration import histograms
from quantize.flight_body import PlaneRanges, flight_body
from quantize.flight_twin import twin_graph
from quantize.graph import load_model
from quantize.placement import find_sites
from quantize.post_training import Calibrated
from quantize.runtime import channel_sqnr_db, outputs_of
from quantize.search import watched_graph
from tests.flight.flying import fly
from tests.support.bundles import build_test_bundle, make_radiance
from tests.support.int8 import build_int8_bundle

NAMES = registry.names()
LOGITS = 11
SIDE = 64
GOLDEN = {
    "linescan": (46_755, 40_315_904),
    "hyper_segformer": (4_326_140, 623_022_080),
    "hyper_efficientvit": (4_855_548, 99_446_784),
    "hyper_starcop": (6_629_233, 209_358_336),
}
"""Parameters of a network as it is built without settings, and MACs of what sees an image of 64 x 64.

A change here is a change of the network: of its speed, of what is published of it, and of saved weights.
"""
INT8_SIDE = 32
INT8_SPREAD = np.float32(2.0)
"""Deviation of the planes that ranges are chosen on: about what flight's hold."""


class Int8Parity(NamedTuple):
    """How far eight bits may be off: from float32 in dB of SQNR, from ONNX Runtime in steps of eight bits."""

    sqnr_db: float
    mean_steps: float
    most_steps: float


INT8 = {"linescan": Int8Parity(20.0, 0.01, 1.0)}
"""The networks that the flight core has kernels for; the published ones have layers that it has none for."""
SHIFTS = ("attention.key.bias",)
"""Parameters without effect: a shift of all keys leaves a softmax as it is."""


def build(name: str, seed: int = 3) -> Any:
    torch.manual_seed(seed)
    sensor = load_sensor("emit")
    return registry.build(name, centres=sensor.centres, fwhm=sensor.fwhm).eval()


@cache
def built(name: str) -> Any:
    """A network for tests that leave it alone."""
    return build(name)


def part_over_images(network: Any) -> tuple[nn.Module, int]:
    """What is exported as a graph over image planes, and how many planes it takes."""
    if isinstance(network, Linescan):
        return network.body, network.body.channels
    return network, network.channels


def planes(channels: int, lines: int = SIDE, samples: int = SIDE, count: int = 1) -> Tensor:
    return torch.randn(count, channels, lines, samples, generator=torch.Generator().manual_seed(4))


def sample(lines: int = 32, samples: int = 32, count: int = 2, bands: int = 285) -> dict[str, Tensor]:
    """A batch as the training's data set makes it, of noise."""
    rng = torch.Generator().manual_seed(5)
    physics = torch.stack(
        [
            300.0 * torch.randn(count, lines, samples, generator=rng),
            torch.full((count, lines, samples), 300.0),
            torch.ones(count, lines, samples),
            torch.randn(count, lines, samples, generator=rng),
        ],
        dim=-1,
    )
    log = 2000.0 * torch.randn(count, lines, samples, bands, generator=rng)
    return {
        "log": log.to(torch.int16),
        "physics": physics,
        "keep": torch.ones(count, lines, samples),
        "before_mean": torch.zeros(count, samples, bands),
        "before_lines": torch.zeros(count, samples),
        "covariance": 0.01 * torch.eye(bands).expand(count, bands, bands),
    }


def test_every_architecture_has_its_golden_figures() -> None:
    assert set(NAMES) == set(GOLDEN)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_macs_are_golden(name: str) -> None:
    network = built(name)
    part, channels = part_over_images(network)
    parameters = sum(p.numel() for p in network.parameters())
    assert (parameters, measure(part, (1, channels, SIDE, SIDE)).macs) == GOLDEN[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("lines", "samples"), [(32, 32), (40, 56)])
def test_logits_have_one_shape_and_type_for_all(name: str, lines: int, samples: int) -> None:
    with torch.inference_mode():
        logits = logits_of(built(name), sample(lines, samples), InputScales())
    assert logits.shape == (2, LOGITS, lines, samples)
    assert logits.dtype == torch.float32
    assert bool(torch.isfinite(logits).all())


@pytest.mark.parametrize("name", NAMES)
def test_tasks_it_lacks_are_silent_and_the_others_are_not(name: str) -> None:
    network = built(name)
    tasks = tasks_of(network)
    with torch.inference_mode():
        logits = logits_of(network, sample(), InputScales())
    for task, part in (("methane", logits[:, :1]), ("minerals", logits[:, 1:])):
        assert bool((part == SILENT_LOGIT).all()) is (task not in tasks)


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_one_network(name: str) -> None:
    one, other, third = (build(name, seed) for seed in (6, 6, 7))
    same = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    different = zip(one.state_dict().values(), third.state_dict().values(), strict=True)
    assert not all(torch.equal(a, b) for a, b in different)


@pytest.mark.parametrize("name", NAMES)
def test_saved_weights_come_back(name: str) -> None:
    network, buffer = built(name), io.BytesIO()
    torch.save({"settings": network.settings.as_dict(), "state": network.state_dict()}, buffer)
    buffer.seek(0)
    saved = torch.load(buffer, weights_only=True)
    sensor = load_sensor("emit")
    again = registry.build(name, centres=sensor.centres, fwhm=sensor.fwhm, **saved["settings"]).eval()
    again.load_state_dict(saved["state"])
    batch = sample(count=1)
    with torch.inference_mode():
        wanted, found = (logits_of(net, batch, InputScales()) for net in (network, again))
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name: str) -> None:
    # In evaluation mode: ahead of a batch norm that knows only its batch, a bias has no effect.
    network = build(name, seed=8)
    torch.autograd.backward((logits_of(network, sample(64, 64, count=1), InputScales()) ** 2).mean())
    still = [
        key
        for key, p in network.named_parameters()
        if (p.grad is None or not bool(p.grad.abs().sum() > 0)) and not key.endswith(SHIFTS)
    ]
    assert still == []


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_of_training_lower_the_loss_of_its_tasks(name: str) -> None:
    torch.manual_seed(9)
    module = LinescanTraining(Recipe(name="few", model=name), make_tables(load_sensor("emit")))
    told: dict[str, Tensor] = {}
    module.log_dict = lambda values, **_: told.update(values)  # type: ignore[method-assign]
    batch = sample(64, 64, count=1)
    batch["plume"] = torch.zeros(1, 64, 64)
    batch["plume"][:, 16:48, 16:48] = 1.0
    batch["enhancement"] = 4000.0 * batch["plume"]
    batch["minerals"] = batch["plume"].unsqueeze(1).repeat(1, LOGITS - 1, 1, 1)
    batch["physics"][..., 0] += batch["enhancement"]
    batch["log"] -= (2000 * batch["plume"].unsqueeze(-1)).to(torch.int16)
    optimizer = torch.optim.AdamW(module.network.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        torch.autograd.backward(loss)
        optimizer.step()
        module.average.update_parameters(module.network)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    for task in ("methane", "minerals"):
        assert (float(told[task].detach()) > 0) is (task in tasks_of(module.network))
    with torch.inference_mode():
        averaged = logits_of(module.average.module.eval(), batch, InputScales())  # type: ignore[arg-type]
    assert bool(torch.isfinite(averaged).all())


def exported(part: nn.Module, x: Tensor, *, optimize: bool) -> onnxruntime.InferenceSession:
    for noisy in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(part, (x,), dynamo=True, optimize=optimize, verbose=False)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    file = program.model_proto.SerializeToString()
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", NAMES)
def test_onnx_says_the_same(name: str) -> None:
    """With the exporter's optimizer, which once folded what kept EfficientViT's attention from 0 / 0."""
    part, channels = part_over_images(built(name))
    x = planes(channels)
    session = exported(part, x, optimize=True)
    for image in (x, torch.zeros_like(x)):
        with torch.inference_mode():
            wanted = part(image).numpy()
        (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_streaming_equals_the_whole_image() -> None:
    """Strip by strip with its halo, the body says what it says of the image as a whole."""
    body = built("linescan").body
    x = planes(body.channels, lines=3 * STRIP_LINES, samples=32)
    with torch.inference_mode():
        whole, parts = body(x), []
        for first in range(0, x.shape[2], STRIP_LINES):
            low, high = max(first - HALO_LINES, 0), min(first + STRIP_LINES + HALO_LINES, x.shape[2])
            strip = body(x[:, :, low:high])
            parts.append(strip[:, :, first - low : first - low + STRIP_LINES])
    torch.testing.assert_close(torch.cat(parts, dim=2), whole, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def int8_bodies() -> dict[str, tuple[bytes, Int8Body]]:
    """Of each network that has kernels in eight bits: its float graph, and its quantized body."""
    found = {}
    for name in INT8:
        body = built(name).body
        shape = (1, body.channels, INT8_SIDE, INT8_SIDE)
        graph = export_graph(
            body, name="body", input_name="features", input_shape=shape, output_name="logits"
        ).data
        seen = INT8_SPREAD * planes(body.channels, INT8_SIDE, INT8_SIDE).numpy()
        found[name] = graph, flight_body(*whole_ranges(graph, seen))
    return found


def whole_ranges(graph: bytes, seen: Any) -> tuple[Calibrated, PlaneRanges]:
    """Ranges that hold all that was seen: no search, which is the quantizer's and tested there."""
    model = load_model(graph)
    sites = find_sites(model)
    told = histograms(watched_graph(model, sites), [seen])
    spans = {tensor: span(one.low, one.high) for tensor, one in told.items()}
    spans[model.graph.input[0].name] = span(seen.min(), seen.max())
    each = tuple(span(plane.min(), plane.max()) for plane in seen[0])
    return Calibrated(model, sites, spans, {}), PlaneRanges(each, "min-max", {})


def span(low: Any, high: Any) -> Range:
    """A range that holds zero, as every one must."""
    return Range(min(float(low), 0.0), max(float(high), 0.0))


@pytest.mark.parametrize("name", INT8)
def test_int8_says_nearly_what_float32_does(
    name: str, int8_bodies: dict[str, tuple[bytes, Int8Body]]
) -> None:
    """The quantized body, computed as it is written, on planes that its ranges were not chosen on."""
    graph, body = int8_bodies[name]
    torch.manual_seed(12)
    other = INT8_SPREAD * torch.randn(1, len(body.plane_scales), INT8_SIDE, INT8_SIDE).numpy()
    exact = outputs_of(graph, [other])
    found = outputs_of(twin_graph(body, other.shape), [other], exact=True)
    assert min(channel_sqnr_db(exact, found)) > INT8[name].sqnr_db


@pytest.mark.parametrize("name", INT8)
def test_the_flight_core_computes_the_same_int8(
    name: str, int8_bodies: dict[str, tuple[bytes, Int8Body]]
) -> None:
    """The core's own kernels against ONNX Runtime on the same numbers as a Q/DQ graph, both in flight."""
    _, body = int8_bodies[name]
    settings = built(name).settings
    features = {"static_features": settings.static_features, "dynamic_features": settings.dynamic_features}
    own = build_int8_bundle(body, **features)
    window = (1, own.plan.channels, own.plan.body_lines, own.plan.body_samples)
    engine = build_test_bundle(parts={"body.onnx": twin_graph(body, window)}, **features)
    radiance, _ = make_radiance(own, 40, 48)
    found, expected = (logits_flown(fly(bundle, radiance)[0]) for bundle in (own, engine))
    # One step of eight bits over what an output shows here.
    steps = np.abs(found - expected) / (np.ptp(expected, axis=(1, 2), keepdims=True) / 255.0)
    assert steps.mean() < INT8[name].mean_steps
    assert steps.max() < INT8[name].most_steps


def logits_flown(products: dict[str, Any]) -> Any:
    both = np.concatenate([products["plume_probability"][None], products["mineral_probability"]])
    held = np.clip(both.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))
