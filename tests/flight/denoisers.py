"""Small bundles with a denoiser whose answer is known: a mean of five by five neighbours."""

from __future__ import annotations

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from export.bundle import sign_container, write_container
from onboard.flight.denoiser_plan import DENOISER_GRAPH, DENOISER_PLAN, DenoiserPlan
from onboard.flight.plan import Plan
from tests.support.bundles import TEST_SEED, TestBundle, build_test_bundle

WIDTH = 40
REACH = 2
MEMORY = 64 << 20


def make_denoiser(plan: Plan, samples: int, gain: float = 1.0) -> bytes:
    """Return an ONNX graph: each band's mean over 5 x 5 pixels times ``gain``, plus nothing of validity."""
    bands, side = plan.mf_bands, 2 * REACH + 1
    weights = np.zeros((bands, bands + 1, side, side), np.float32)
    weights[np.arange(bands), np.arange(bands)] = gain / side**2
    node = helper.make_node("Conv", ["planes", "w"], ["denoised"], pads=[REACH] * 4)
    shape = [plan.body_lines, samples]
    graph = helper.make_graph(
        [node],
        "test",
        [helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, bands + 1, *shape])],
        [helper.make_tensor_value_info("denoised", TensorProto.FLOAT, [1, bands, *shape])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def with_denoiser(
    plain: TestBundle, samples: int = WIDTH, inference_bytes: int = MEMORY, gain: float = 1.0
) -> TestBundle:
    """Return a bundle with a denoiser of that width added."""
    plan = DenoiserPlan(plain.plan.body_lines, samples, inference_bytes)
    manifest = json.loads(plain.parts["manifest.json"]) | {"denoiser": plan.to_json()}
    parts = {
        **plain.parts,
        "manifest.json": json.dumps(manifest).encode(),
        DENOISER_PLAN: plan.pack(),
        DENOISER_GRAPH: make_denoiser(plain.plan, samples, gain),
    }
    return signed(parts, plain)


def signed(parts: dict[str, bytes], like: TestBundle, sequence: int = 7) -> TestBundle:
    """Return a bundle of these parts, signed with the tests' key."""
    data = sign_container(write_container(parts, sequence), TEST_SEED)
    return TestBundle(data, like.public_key, like.plan, like.tables, parts)


def denoising_bundle(samples: int = WIDTH, *, inference_bytes: int = MEMORY, gain: float = 1.0) -> TestBundle:
    """Return a small signed bundle with a denoiser of that width."""
    return with_denoiser(build_test_bundle(), samples, inference_bytes, gain)
