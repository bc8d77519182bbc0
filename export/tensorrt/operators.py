"""What TensorRT's ONNX parser reads: operators, their limits, operator sets.

Source: ``docs/operators.md`` of onnx-tensorrt at TensorRT 10.15 (github.com/onnx/onnx-tensorrt), the list
of what is *not* read as well as what is; operator sets from there and from NVIDIA's "ONNX Opset Guide"
(docs.nvidia.com/deeplearning/tensorrt/latest/reference/onnx-opset-guide.html).
"""

from __future__ import annotations

OPSET_LOWEST = 9
"""operators.md at 10.15: opset 9 and above."""
OPSET_LOWEST_QUANTIZED = 13
"""The first operator set whose Q/DQ have an axis, without which weights cannot be per channel."""
OPSET_HIGHEST = 20
"""What all releases from 10.0 to 11.x read: TensorRT up to 10.13 was tested with ONNX 1.16 and states
opset 20, 10.15 states 24, the guide of 11.x 25. JetPack 6.2 carries 10.3."""

SUPPORTED_LINES = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BlackmanWindow
Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DeformConv
DepthToSpace DequantizeLinear Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather
GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
GridSample GroupNormalization GRU HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If
InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LRN
LSTM LpNormalization LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg
NonMaxSuppression NonZero Not OneHot Or Pad Pow PRelu QuantizeLinear RandomNormal RandomNormalLike
RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence RNN RoiAlign
Round STFT Scan Scatter ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice
Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK
Transpose Trilu Unsqueeze Upsample Where Xor
"""
SUPPORTED = frozenset(SUPPORTED_LINES.split())
"""Operators of the default domain marked Y at 10.15, without those that only opsets above 20 have."""

INTEGER = frozenset(
    {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul"}
    | {"QLinearAdd", "QLinearAveragePool", "QLinearConcat", "QLinearGlobalAveragePool", "QLinearLeakyRelu"}
    | {"QLinearMul", "QLinearSigmoid", "QLinearSoftmax", "QGemm", "QAttention", "DynamicQuantizeMatMul"}
)
"""Operators that hold quantization inside: five of ONNX, the others of ONNX Runtime's own domain."""

RESIZE_MODES = ("nearest", "linear")
RESIZE_TRANSFORMATIONS = (
    "half_pixel",
    "pytorch_half_pixel",
    "tf_half_pixel_for_nn",
    "asymmetric",
    "align_corners",
)
RESIZE_NEAREST = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
