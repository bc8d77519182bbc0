"""Files that are each broken in exactly one way, by the rule that must say so and the node it must name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import TensorProto, helper

from tests.export.tensorrt.graphs import SHAPE, Maker, good_float, good_quantized, residual_body

Make = Callable[[], bytes]


def simple(maker: Maker, **pair: object) -> bytes:
    """Return pair, convolution: the smallest quantized graph, with the pair's settings given."""
    return maker.model(maker.conv("conv1", maker.pair("input", "x", **pair)))  # type: ignore[arg-type]


def zero_point() -> bytes:
    return simple(Maker(), point=np.int8(3))


def unsigned() -> bytes:
    return simple(Maker(), kind=np.uint8)


def unsigned_by_default() -> bytes:
    maker = Maker()
    scale = maker.constant("input_scale", 0.02)
    quantized = maker.node("QuantizeLinear", "input_q", ["x", scale])
    return maker.model(maker.conv("conv1", maker.node("DequantizeLinear", "input_dq", [quantized, scale])))


def per_channel_activation() -> bytes:
    return simple(Maker(), scale=[0.02, 0.03, 0.02, 0.01])


def per_tensor_weight() -> bytes:
    maker = Maker()
    weight = maker.weight("weight", (4, 4, 3, 3), per_tensor=True)
    return maker.model(maker.conv("conv1", maker.pair("input", "x"), weight=weight))


def weight_along_inputs() -> bytes:
    maker = Maker()
    weight = maker.weight("weight", (4, 4, 3, 3), axis=1)
    return maker.model(maker.conv("conv1", maker.pair("input", "x"), weight=weight))


def gemm_along_inputs() -> bytes:
    maker = Maker()
    weight = maker.weight("weight", (6, 5), axis=0)
    out = maker.node("Gemm", "gemm1", [maker.pair("input", "x"), weight])
    return maker.model(out, shape=(3, 6), out_shape=(3, 5))


def qlinear_conv() -> bytes:
    maker = Maker()
    scale, point = maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)
    quantized = maker.node("QuantizeLinear", "input_q", ["x", scale, point])
    weight = maker.constant("weight", np.ones((4, 4, 1, 1)), np.int8)
    out = maker.node("QLinearConv", "conv1", [quantized, scale, point, weight, scale, point, scale, point])
    return maker.model(maker.node("DequantizeLinear", "output_dq", [out, scale, point]))


def matmul_integer() -> bytes:
    maker = Maker()
    scale, point = maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)
    quantized = maker.node("QuantizeLinear", "input_q", ["x", scale, point])
    weight = maker.constant("weight", np.ones((6, 5)), np.int8)
    product = maker.node("MatMulInteger", "matmul1", [quantized, weight])
    return maker.model(
        maker.node("Cast", "cast1", [product], to=TensorProto.FLOAT), shape=(3, 6), out_shape=(3, 5)
    )


def dynamic_batch() -> bytes:
    maker = Maker()
    weight = maker.constant("weight", maker.random.normal(0, 0.2, (4, 4, 3, 3)))
    return maker.model(
        maker.conv("conv1", "x", weight=weight), shape=("n", 4, 8, 8), out_shape=("n", 4, 8, 8)
    )


def dynamic_inside() -> bytes:
    maker = Maker()
    found = maker.node("NonZero", "where1", ["x"])
    kind = maker.node("Cast", "cast1", [found], to=TensorProto.FLOAT)
    total = maker.node("ReduceSum", "sum1", [kind], keepdims=0)
    return maker.model(total, out_shape=())


def unread_operator() -> bytes:
    maker = Maker()
    return maker.model(maker.node("Det", "det1", ["x"]), out_shape=(1, 4))


def foreign_operator() -> bytes:
    maker = Maker()
    out = maker.node(
        "FusedConv", "fused1", ["x", maker.constant("w", np.ones((4, 4, 1, 1)))], domain="com.microsoft"
    )
    return maker.model(out, out_shape=SHAPE, domains=("com.microsoft",))


def old_opset() -> bytes:
    maker = Maker()
    extra = [maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)]
    quantized = maker.node("QuantizeLinear", "input_q", ["x", *extra])
    out = maker.node("DequantizeLinear", "input_dq", [quantized, *extra])
    return maker.model(maker.node("Add", "sum1", [out, maker.constant("one", 1)]), opset=12)


def new_opset() -> bytes:
    return good_quantized(opset=23)


def cubic_resize() -> bytes:
    maker = Maker()
    scales = maker.constant("scales", [1, 1, 2, 2])
    out = maker.node("Resize", "resize1", ["x", "", scales], mode="cubic")
    return maker.model(out, out_shape=(1, 4, 16, 16))


def pooling_with_dilation() -> bytes:
    maker = Maker()
    out = maker.node("MaxPool", "pool1", ["x"], kernel_shape=[2, 2], dilations=[2, 2])
    return maker.model(out, out_shape=(1, 4, 6, 6))


def float_residual() -> bytes:
    maker = Maker()
    return maker.model(residual_body(maker, residual_pair=False), out_shape=(1, 2, 8, 8))


def half_a_sum() -> bytes:
    maker = Maker()
    total = maker.node("Add", "sum", [maker.pair("left", "x"), maker.node("Sigmoid", "sigmoid1", ["x"])])
    return maker.model(maker.conv("conv1", maker.pair("total", maker.node("Relu", "relu1", [total]))))


def quantized_logits() -> bytes:
    maker = Maker()
    return maker.model(maker.pair("output", maker.conv("conv1", maker.pair("input", "x"))))


def quantized_before_sigmoid() -> bytes:
    maker = Maker()
    first = maker.node("Relu", "relu1", [maker.conv("conv1", maker.pair("input", "x"))])
    return maker.model(maker.node("Sigmoid", "sigmoid1", [maker.pair("middle", first)]))


def zero_scale() -> bytes:
    return simple(Maker(), scale=0.0)


def infinite_scale() -> bytes:
    return simple(Maker(), scale=np.inf)


def computed_scale() -> bytes:
    maker = Maker()
    scale = maker.node("ReduceMax", "max1", ["x"], keepdims=0)
    point = maker.constant("point", 0, np.int8)
    quantized = maker.node("QuantizeLinear", "input_q", ["x", scale, point])
    given = maker.node("DequantizeLinear", "input_dq", [quantized, scale, point])
    return maker.model(maker.conv("conv1", given))


def half_scale() -> bytes:
    """Scales of float16 on values of float32: legal types one by one, since opset 19."""
    maker = Maker()
    weight = maker.weight("weight", (4, 4, 3, 3))
    scale, point = maker.constant("scale", 0.02, np.float16), maker.constant("point", 0, np.int8)
    quantized = maker.node("QuantizeLinear", "input_q", ["x", scale, point])
    given = maker.node(
        "DequantizeLinear", "input_dq", [quantized, maker.constant("scale32", 0.02, np.float16), point]
    )
    cast = maker.node("Cast", "cast1", [given], to=TensorProto.FLOAT)
    pair = maker.pair("again", cast)
    return maker.model(maker.conv("conv1", pair, weight=weight), opset=19)


def too_many_points() -> bytes:
    return simple(Maker(), point=np.zeros(4, np.int8))


def double_graph() -> bytes:
    maker = Maker()
    out = maker.node("Relu", "relu1", ["x"])
    return maker.model(out, kind=TensorProto.DOUBLE, out_shape=SHAPE)


def double_constant() -> bytes:
    maker = Maker()
    value = helper.make_node("Cast", [maker.constant("half", 0.5, np.float64)], ["cast"], name="cast1", to=1)
    maker.nodes.append(value)
    return maker.model(maker.node("Mul", "mul1", ["x", "cast"]))


def quantized_bias() -> bytes:
    maker = Maker()
    inputs = [
        maker.constant("bias_int32", [5, 6, 7, 8], np.int32),
        maker.constant("bias_scale", [1e-4] * 4),
        maker.constant("bias_point", [0] * 4, np.int32),
    ]
    bias = maker.node("DequantizeLinear", "bias_dq", inputs, axis=0)
    return maker.model(maker.conv("conv1", maker.pair("input", "x"), bias=bias))


def quantized_output() -> bytes:
    maker = Maker()
    extra = [maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)]
    maker.node("QuantizeLinear", "output_q", ["x", *extra])
    model = helper.make_graph(
        maker.nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("output_q_out", TensorProto.INT8, SHAPE)],
        list(maker.constants.values()),
    )
    opset = [helper.make_opsetid("", 18)]
    return bytes(helper.make_model(model, opset_imports=opset, ir_version=10).SerializeToString())


def cast_to_int8() -> bytes:
    maker = Maker()
    extra = [maker.constant("scale", 0.02), maker.constant("point", 0, np.int8)]
    cast = maker.node("Cast", "cast1", ["x"], to=TensorProto.INT8)
    return maker.model(maker.conv("conv1", maker.node("DequantizeLinear", "cast_dq", [cast, *extra])))


def int8_weight_of_float_input() -> bytes:
    maker = Maker()
    return maker.model(maker.conv("conv1", "x"))


def half_a_product() -> bytes:
    maker = Maker()
    product = maker.node("MatMul", "matmul1", [maker.pair("input", "x"), maker.node("Sigmoid", "s", ["x"])])
    return maker.model(product)


def branch() -> bytes:
    maker = Maker()
    maker.constant("always", True, np.bool_)
    arms = {}
    for arm, operator in (("then_branch", "Relu"), ("else_branch", "Neg")):
        value = helper.make_tensor_value_info(f"{arm}_out", TensorProto.FLOAT, SHAPE)
        node = helper.make_node(operator, ["x"], [f"{arm}_out"], name=arm)
        arms[arm] = helper.make_graph([node], arm, [], [value])
    return maker.model(maker.node("If", "if1", ["always"], **arms), out_shape=SHAPE)


BROKEN: dict[str, tuple[str, str, Make]] = {
    make.__name__: (rule, node, make)
    for rule, node, make in (
        ("zero-point", "input_q", zero_point),
        ("unsigned", "input_q", unsigned),
        ("unsigned", "input_q", unsigned_by_default),
        ("activation-per-channel", "input_q", per_channel_activation),
        ("weight-per-tensor", "conv1", per_tensor_weight),
        ("weight-axis", "conv1", weight_along_inputs),
        ("weight-axis", "gemm1", gemm_along_inputs),
        ("integer-operator", "conv1", qlinear_conv),
        ("integer-operator", "matmul1", matmul_integer),
        ("dynamic-shape", "x", dynamic_batch),
        ("dynamic-shape", "where1", dynamic_inside),
        ("unsupported-operator", "det1", unread_operator),
        ("unsupported-operator", "fused1", foreign_operator),
        ("opset", "graph", old_opset),
        ("opset", "graph", new_opset),
        ("operator-limits", "resize1", cubic_resize),
        ("operator-limits", "pool1", pooling_with_dilation),
        ("residual", "sum", float_residual),
        ("residual", "sum", half_a_sum),
        ("output-quantized", "conv1", quantized_logits),
        ("output-quantized", "conv1", quantized_before_sigmoid),
        ("scale-value", "input_q", zero_scale),
        ("scale-value", "input_q", infinite_scale),
        ("scale-constant", "input_q", computed_scale),
        ("type-mismatch", "input_q", half_scale),
        ("type-mismatch", "input_q", too_many_points),
        ("double", "x", double_graph),
        ("double", "half", double_constant),
        ("int8-only", "bias_dq", quantized_bias),
        ("bare-integer", "output_q", quantized_output),
        ("bare-integer", "cast_dq", cast_to_int8),
        ("half-quantized", "conv1", int8_weight_of_float_input),
        ("half-quantized", "matmul1", half_a_product),
        ("nested-graph", "if1", branch),
    )
}
"""By name: the rule that the file breaks, the node that must be named first, and its maker."""

GOOD: dict[str, Make] = {"quantized": good_quantized, "float": good_float}
