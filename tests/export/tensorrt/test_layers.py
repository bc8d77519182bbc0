"""The inspector's JSON of TensorRT 10 and 11, as NVIDIA documents it, becomes precisions."""

from __future__ import annotations

import json

import pytest

from export.tensorrt.layers import computes_in_int8, count_precisions, read_layers
from onboard.errors import BundleError

INT8_TEN = "Thirty-two wide channel vectorized row major Int8 format"
TEN = {
    "Layers": [
        {
            "Name": "conv1 + relu1",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "a", "Format/Datatype": INT8_TEN}],
            "Outputs": [{"Name": "b", "Format/Datatype": "Row major linear FP32"}],
            "Weights": {"Type": "Int8", "Count": 144},
        },
        {
            "Name": "quantize",
            "LayerType": "Reformat",
            "Inputs": [{"Name": "x", "Format/Datatype": "Row major linear FP32"}],
            "Outputs": [{"Name": "a", "Format/Datatype": INT8_TEN}],
        },
        {
            "Name": "head",
            "LayerType": "gemm",
            "Inputs": [{"Name": "b", "Format/Datatype": "Row major linear FP16 format"}],
            "Outputs": [],
        },
    ],
    "Bindings": ["x", "y"],
}
ELEVEN = {
    "Layers": [
        {
            "Name": "conv1",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "a", "Format": "Channel major format", "DataType": "Int8"}],
            "Outputs": [{"Name": "b", "Format": "Row major linear format", "DataType": "Float"}],
        }
    ],
    "I/O Tensors": [{"Name": "x", "DataType": "Float"}],
}


def test_release_ten() -> None:
    layers = read_layers(json.dumps(TEN))
    assert [layer.precision for layer in layers] == ["INT8", "FP32", "FP16"]
    assert layers[0].outputs == ("FP32",)
    assert count_precisions(layers) == {"FP16": 1, "FP32": 1, "INT8": 1}


def test_release_eleven() -> None:
    (layer,) = read_layers(json.dumps(ELEVEN))
    assert (layer.precision, layer.inputs, layer.outputs) == ("INT8", ("INT8",), ("FP32",))


def test_unknown_words_are_called_unknown() -> None:
    odd = {"Layers": [{"Name": "x", "Inputs": [{"DataType": "Complex"}], "Outputs": []}]}
    assert read_layers(json.dumps(odd))[0].precision == "unknown"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Layers": ["conv1"]}'])
def test_names_alone_or_no_json_are_refused(text: str) -> None:
    with pytest.raises(BundleError, match="engine"):
        read_layers(text)


def unfused(kind: str, given: str, made: str) -> dict[str, object]:
    return {
        "Name": kind,
        "LayerType": kind,
        "Inputs": [{"Name": "a", "Format": "linear", "DataType": given}],
        "Outputs": [{"Name": "b", "Format": "linear", "DataType": made}],
    }


def test_numbers_that_are_only_rewritten_are_no_arithmetic() -> None:
    """Q and DQ that TensorRT did not fuse, about convolutions in float."""
    conv = unfused("CaskConvolution", "Float", "Float") | {"Weights": {"Type": "Float"}}
    around = [unfused("Quantize", "Float", "Int8"), unfused("Dequantize", "Int8", "Float")]
    layers = read_layers(json.dumps({"Layers": [*around, unfused("Reformat", "Int8", "Int8"), conv]}))
    assert count_precisions(layers)["INT8"] == 2
    assert not computes_in_int8(layers)
    assert computes_in_int8(read_layers(json.dumps(TEN)))
    assert computes_in_int8(read_layers(json.dumps(ELEVEN)))
