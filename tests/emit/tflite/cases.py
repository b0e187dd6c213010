"""One small graph for each operator and each use of it, for the tests that go over all of them."""

from __future__ import annotations

import numpy as np
from emit.tflite.tester import INPUT, Tester, integers, random, scalar

PICTURE = (1, 6, 7, 9)


def shuffle(tester: Tester, groups: int, name: str) -> Tester:
    """The shuffle as the lowering for LiteRT writes it, on a picture of 6 x (7, 9)."""
    tester.op("Transpose", perm=[0, 2, 3, 1]).op("Reshape", integers(-1, groups, 6 // groups))
    tester.op("Transpose", perm=[0, 2, 1]).op("Reshape", integers(-1, 7, 9, 6))
    return tester.op("Transpose", perm=[0, 3, 1, 2], name=name)


def shift_kernel(channels: int) -> np.ndarray:
    """One-hot 3x3 kernels, another tap for each channel."""
    kernel = np.zeros((channels, 1, 9), np.float32)
    kernel[np.arange(channels), 0, np.arange(channels) % 9] = 1
    return kernel.reshape(channels, 1, 3, 3)


def shift_by_slices(tester: Tester) -> Tester:
    """A shift of nine channels as Pad, Slice and Concat."""
    tester.op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1), name="padded")
    parts = []
    for c in range(9):
        starts, ends = integers(c, c // 3, c % 3), integers(c + 1, c // 3 + 5, c % 3 + 6)
        tester.op("Slice", starts, ends, integers(1, 2, 3), first="padded", name=f"part{c}")
        parts.append(f"part{c}")
    return tester.op("Concat", *parts[1:], first=parts[0], axis=1, name="shifted")


def shift_by_gather(tester: Tester) -> Tester:
    """A shift of nine channels of (5, 6) as Pad, Reshape and Gather."""
    channel, row, column = np.indices((9, 5, 6))
    indices = channel * 56 + (row + channel // 3) * 8 + column + channel % 3
    tester.op("Pad", integers(0, 0, 1, 1, 0, 0, 1, 1)).op("Reshape", integers(-1, 9 * 7 * 8))
    return tester.op("Gather", indices.reshape(-1), axis=1).op("Reshape", integers(-1, 9, 5, 6))


#: Graphs that compute.
ARITHMETIC: dict[str, Tester] = {
    "conv": Tester(PICTURE).op("Conv", random(4, 6, 3, 3), random(4), pads=[1] * 4),
    "conv without bias": Tester(PICTURE).op("Conv", random(4, 6, 1, 1)),
    "conv, stride 2": Tester(PICTURE).op("Conv", random(4, 6, 3, 3), pads=[1] * 4, strides=[2, 2]),
    "conv, uneven padding": Tester(PICTURE).op("Conv", random(4, 6, 3, 2), pads=[0, 2, 1, 3], strides=[1, 2]),
    "conv, dilated": Tester(PICTURE).op("Conv", random(4, 6, 3, 3), pads=[2] * 4, dilations=[2, 2]),
    "conv, SAME_UPPER": Tester(PICTURE).op("Conv", random(4, 6, 2, 2), auto_pad="SAME_UPPER"),
    "conv, SAME_LOWER": Tester(PICTURE).op("Conv", random(4, 6, 2, 2), auto_pad="SAME_LOWER"),
    "group pointwise": Tester(PICTURE).op("Conv", random(9, 2, 1, 1), random(9), group=3),
    "grouped 3x3": Tester(PICTURE).op("Conv", random(9, 2, 3, 3), random(9), group=3, pads=[1] * 4),
    "depthwise": Tester(PICTURE).op("Conv", random(6, 1, 3, 3), random(6), group=6, pads=[1] * 4),
    "depthwise with multiplier": Tester(PICTURE).op("Conv", random(12, 1, 3, 3), group=6, pads=[1] * 4),
    "depthwise, dilated": Tester(PICTURE).op("Conv", random(6, 1, 3, 3), group=6, pads=[2] * 4, dilations=[2, 2]),
    "conv with a computed kernel": Tester((4, 4, 3, 3))
    .op("Relu", name="kernel")
    .op("Conv", "kernel", random(4), first=INPUT, pads=[1] * 4),
    "conv in groups with a computed kernel": Tester((4, 4, 3, 3))
    .op("Slice", integers(0), integers(2), integers(1))
    .op("Conv", "value0", first=INPUT, group=2, pads=[1] * 4),
    "depthwise with a computed kernel and bias": Tester((4, 4, 3, 3))
    .op("Slice", integers(0), integers(1), integers(1), name="kernel")
    .op("ReduceMean", integers(1, 2, 3), first=INPUT, keepdims=0, name="bias")
    .op("Conv", "kernel", "bias", first=INPUT, group=4, pads=[1] * 4),
    "conv and relu": Tester(PICTURE).op("Conv", random(4, 6, 1, 1)).op("Relu"),
    "conv and relu6": Tester(PICTURE).op("Conv", random(4, 6, 1, 1) * 4).op("Clip", scalar(0), scalar(6)),
    "gemm": Tester((2, 12)).op("Gemm", random(5, 12), random(5), transB=1, alpha=0.5, beta=2.0).op("Relu"),
    "gemm without transB": Tester((2, 12)).op("Gemm", random(12, 5)),
    "gemm with one number as C": Tester((2, 12)).op("Gemm", random(12, 5), scalar(2)),
    "gemm with a row as C": Tester((2, 12)).op("Gemm", random(12, 5), random(1, 5)),
    "matmul, matrix": Tester((2, 12)).op("MatMul", random(12, 5)),
    "matmul, rank 3": Tester((2, 3, 12)).op("MatMul", random(12, 5)),
    "matmul, batch": Tester((3, 4, 12)).op("MatMul", random(3, 12, 5)),
    "matmul, constant first": Tester((3, 12, 5)).op("MatMul", INPUT, first=random(3, 4, 12)),
    "matmul of a picture": Tester(PICTURE).op("MatMul", random(9, 5)),
    "max pool": Tester(PICTURE).op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "max pool, ceil mode": Tester(PICTURE).op("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "average pool, ceil mode": Tester(PICTURE).op("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "max pool behind relu6, explicit padding": Tester((1, 6, 8, 8))
    .op("Clip", scalar(0), scalar(6))
    .op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "max pool, explicit padding": Tester((1, 6, 8, 8)).op("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
    "average pool": Tester(PICTURE).op("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "average pool, padding left out": Tester(PICTURE).op("AveragePool", kernel_shape=[3, 3], pads=[1] * 4),
    "average pool, padding counted": Tester(PICTURE).op(
        "AveragePool", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1
    ),
    "average pool, explicit padding left out": Tester((1, 6, 8, 8)).op(
        "AveragePool", kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2]
    ),
    "global average pool": Tester(PICTURE).op("GlobalAveragePool"),
    "global max pool": Tester(PICTURE).op("GlobalMaxPool"),
    "mean": Tester(PICTURE).op("ReduceMean", integers(2, 3), keepdims=0),
    "mean over channels": Tester(PICTURE).op("ReduceMean", integers(1)),
    "mean over channels, axis dropped": Tester(PICTURE).op("ReduceMean", integers(1), keepdims=0).op("Relu"),
    "mean over everything": Tester(PICTURE).op("ReduceMean", keepdims=0),
    "mean over channels behind a transpose": Tester(PICTURE)
    .op("Transpose", perm=[0, 2, 3, 1])
    .op("ReduceMean", integers(1), keepdims=0),
    "sum over rows": Tester(PICTURE).op("ReduceSum", integers(-1), keepdims=0),
    "maximum over channels and rows": Tester(PICTURE).op("ReduceMax", integers(1, -1)),
    "sum of a matrix": Tester((2, 12)).op("ReduceSum", integers(1), keepdims=0),
    "mean, axes kept": Tester(PICTURE, opset=13).op("ReduceMean", axes=[-1, -2], keepdims=1),
    "relu": Tester(PICTURE).op("Relu"),
    "clip to 0..1": Tester(PICTURE).op("Clip", scalar(0), scalar(1)),
    "clip to -1..1": Tester(PICTURE, opset=10).op("Clip", min=-1.0, max=1.0),
    "clip above": Tester(PICTURE).op("Clip", None, scalar(0.5)),
    "sigmoid": Tester(PICTURE).op("Sigmoid"),
    "hard swish": Tester(PICTURE).op("HardSwish"),
    "tanh": Tester(PICTURE).op("Tanh"),
    "leaky relu": Tester(PICTURE).op("LeakyRelu", alpha=0.2),
    "exp of minus abs": Tester(PICTURE).op("Abs").op("Sqrt").op("Neg").op("Exp"),
    "hard sigmoid": Tester(PICTURE).op("Mul", scalar(4)).op("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard sigmoid, rank 2": Tester((2, 12)).op("Mul", scalar(4)).op("HardSigmoid"),
    "prelu": Tester(PICTURE).op("PRelu", random(6, 1, 1)),
    "prelu, one slope": Tester(PICTURE).op("PRelu", random(1)),
    "prelu of a matrix": Tester((2, 12)).op("PRelu", random(12)),
    "prelu of every pixel": Tester(PICTURE).op("PRelu", random(6, 7, 9)),
    "prelu, computed slope": Tester(PICTURE).op("GlobalAveragePool", name="s").op("PRelu", "s", first=INPUT),
    "elu": Tester(PICTURE).op("Elu"),
    "elu, another alpha": Tester(PICTURE).op("Elu", alpha=0.5),
    "selu": Tester(PICTURE).op("Selu"),
    "celu": Tester(PICTURE).op("Celu", alpha=0.7),
    "gelu": Tester(PICTURE, opset=20).op("Mul", scalar(3)).op("Gelu"),
    "gelu by tanh": Tester(PICTURE, opset=20).op("Mul", scalar(3)).op("Gelu", approximate="tanh"),
    "mish": Tester(PICTURE).op("Mish"),
    "mish of large numbers": Tester((2, 12)).op("Mul", scalar(100)).op("Mish"),
    "erf": Tester(PICTURE).op("Mul", scalar(2)).op("Erf"),
    "softsign": Tester(PICTURE).op("Softsign"),
    "thresholded relu": Tester(PICTURE).op("ThresholdedRelu", alpha=0.3),
    "shrink": Tester(PICTURE).op("Shrink", lambd=0.3, bias=0.1),
    "log of what is positive": Tester(PICTURE).op("Abs").op("Add", scalar(0.5)).op("Log"),
    "softplus": Tester(PICTURE).op("Softplus"),
    "softplus, rank 2, large": Tester((2, 12)).op("Mul", scalar(300)).op("Softplus"),
    "tangent": Tester(PICTURE).op("Mul", scalar(0.5)).op("Tan"),
    "hyperbolic sine and cosine": Tester(PICTURE).op("Sinh", name="s").op("Cosh", first=INPUT).op("Mul", "s"),
    "arc tangent": Tester(PICTURE).op("Mul", scalar(5)).op("Atan"),
    "arc sine and cosine": Tester(PICTURE)
    .op("Tanh")
    .op("Mul", scalar(0.9), name="x")
    .op("Asin", name="s")
    .op("Acos", first="x")
    .op("Mul", "s"),
    "inverse hyperbolic functions": Tester(PICTURE)
    .op("Abs")
    .op("Add", scalar(1))
    .op("Acosh", name="c")
    .op("Tanh", first=INPUT)
    .op("Mul", scalar(0.9))
    .op("Atanh", name="t")
    .op("Asinh", first=INPUT)
    .op("Sum", "c", "t"),
    "average pool of rank 5": Tester((1, 1, 6, 4, 5)).op(
        "AveragePool", kernel_shape=[3, 1, 2], pads=[1, 0, 0, 1, 0, 0], count_include_pad=1
    ),
    "average pool of rank 5, borders left out": Tester((1, 2, 6, 4, 5)).op(
        "AveragePool", kernel_shape=[3, 2, 2], strides=[2, 1, 2], pads=[1, 0, 1, 1, 1, 0]
    ),
    "local response": Tester(PICTURE).op("LRN", size=3, alpha=0.5, beta=0.75, bias=2.0),
    "columns to an image": Tester((2, 12, 25)).op(
        "Col2Im", integers(6, 7), integers(2, 2), pads=[0, 0, 0, 0], strides=[1, 1], dilations=[1, 2]
    ),
    "sine and cosine": Tester(PICTURE).op("Sin", name="s").op("Cos", first=INPUT).op("Mul", "s"),
    "floor, ceil and round": Tester(PICTURE)
    .op("Mul", scalar(3))
    .op("Floor", name="f")
    .op("Ceil", first="value0", name="c")
    .op("Round", first="value0")
    .op("Sum", "f", "c"),
    "sign": Tester(PICTURE).op("Relu").op("Sign"),
    "reciprocal": Tester(PICTURE).op("Abs").op("Add", scalar(1)).op("Reciprocal"),
    "square": Tester(PICTURE).op("Pow", scalar(2)),
    "cube": Tester(PICTURE).op("Pow", np.array(3, np.int64)),
    "inverse square root": Tester(PICTURE).op("Abs").op("Add", scalar(1)).op("Pow", scalar(-0.5)),
    "power of 2.5": Tester(PICTURE).op("Abs").op("Pow", scalar(2.5)),
    "power of 0.3": Tester(PICTURE).op("Abs").op("Pow", scalar(0.3)),
    "computed exponent": Tester(PICTURE).op("Abs", name="a").op("Pow", INPUT),
    "mean of three": Tester(PICTURE).op("Mean", random(6, 1, 1), scalar(2)),
    "float remainder": Tester(PICTURE).op("Mod", scalar(0.4), fmod=1),
    "whole remainder": Tester(PICTURE)
    .op("Mul", scalar(9))
    .op("Cast", to=6)
    .op("Mod", np.array(4, np.int32))
    .op("Cast", to=1),
    "whole quotient": Tester(PICTURE).op("Mul", scalar(9)).op("Cast", to=7).op("Div", np.array(3)).op("Cast", to=1),
    "where": Tester(PICTURE).op("Greater", scalar(0.2)).op("Where", INPUT, random(6, 1, 1)),
    "where, rank 5": Tester((1, 2, 3, 4, 5)).op("Less", random(3, 1, 5)).op("Where", INPUT, scalar(2)),
    "comparisons": Tester(PICTURE)
    .op("GreaterOrEqual", scalar(-1), name="ge")
    .op("LessOrEqual", scalar(1), first=INPUT, name="le")
    .op("Equal", random(6, 7, 9), first=INPUT)
    .op("Not")
    .op("And", "ge")
    .op("Xor", "le")
    .op("Or", "ge")
    .op("Cast", to=1),
    "casts": Tester(PICTURE).op("Mul", scalar(3)).op("Cast", to=7).op("Cast", to=9).op("Cast", to=6).op("Cast", to=1),
    "cast like": Tester(PICTURE).op("Cast", to=6, name="i").op("CastLike", "i", first=INPUT).op("Cast", to=1),
    "not a number, infinity": Tester(PICTURE)
    .op("Log", name="log")
    .op("IsNaN", name="nan")
    .op("Relu", first=INPUT)
    .op("Log")
    .op("IsInf", detect_positive=0)
    .op("Or", "nan")
    .op("Cast", to=1),
    "arg max": Tester(PICTURE).op("ArgMax", axis=1).op("Cast", to=1),
    "arg min, axis dropped": Tester(PICTURE).op("ArgMin", axis=2, keepdims=0).op("Cast", to=1),
    "top k": Tester(PICTURE)
    .op("TopK", integers(3), outputs=2, axis=1, name="t")
    .op("Cast", first="t.1", to=1)
    .op("Add", "t"),
    "smallest k": Tester((2, 12))
    .op("TopK", integers(4), outputs=2, largest=0, name="t")
    .op("Cast", first="t.1", to=1)
    .op("Mul", "t"),
    "running sum": Tester(PICTURE).op("CumSum", np.array(1, np.int64)),
    "running sum, backward": Tester((2, 12)).op("CumSum", np.array(-1, np.int64), reverse=1, exclusive=1),
    "running sum of whole numbers": Tester(PICTURE)
    .op("Cast", to=7)
    .op("CumSum", np.array(2, np.int64))
    .op("Cast", to=1),
    "minimum over rows": Tester(PICTURE).op("ReduceMin", integers(2), keepdims=0),
    "product over columns": Tester(PICTURE).op("ReduceProd", integers(-1)),
    "l1 norm": Tester(PICTURE).op("ReduceL1", integers(1)),
    "l2 norm": Tester(PICTURE).op("ReduceL2", integers(1, 2), keepdims=0),
    "sum of squares": Tester((2, 12)).op("ReduceSumSquare", integers(-1)),
    "log of a sum": Tester((2, 12)).op("Abs").op("ReduceLogSum", integers(-1)),
    "log of a sum of exponentials": Tester(PICTURE)
    .op("Mul", scalar(90))
    .op("ReduceLogSumExp", integers(1), keepdims=0),
    "p-norm of an image": Tester(PICTURE).op("GlobalLpPool", p=2),
    "layer norm": Tester((2, 3, 12)).op("LayerNormalization", random(12), random(12, seed=1)),
    "layer norm over an image": Tester(PICTURE).op("LayerNormalization", random(6, 7, 9), axis=1, epsilon=1e-3),
    "instance norm": Tester(PICTURE).op("InstanceNormalization", random(6), random(6, seed=1)),
    "instance norm, rank 3": Tester((2, 4, 30)).op("InstanceNormalization", random(4), random(4, seed=1)),
    "instance norm of a large image": Tester((1, 3, 40, 40)).op("InstanceNormalization", random(3), random(3, seed=1)),
    "group norm": Tester(PICTURE, opset=21).op("GroupNormalization", random(6), random(6, seed=1), num_groups=2),
    "group norm of one group": Tester(PICTURE, opset=21).op(
        "GroupNormalization", random(6), random(6, seed=1), num_groups=1
    ),
    "group norm of a matrix": Tester((2, 6), opset=21).op(
        "GroupNormalization", random(6), random(6, seed=1), num_groups=2
    ),
    "l2 normalisation": Tester(PICTURE).op("LpNormalization", axis=1),
    "conv of rank 3": Tester((1, 6, 9)).op("Conv", random(4, 6, 3), random(4), pads=[1, 1], strides=[2]),
    "conv of rank 5": Tester((2, 4, 5, 6, 7)).op("Conv", random(6, 4, 3, 3, 3), random(6), pads=[1] * 6),
    "conv of rank 5, grouped, in steps": Tester((1, 4, 9, 6, 7)).op(
        "Conv", random(4, 2, 3, 2, 1), group=2, pads=[2, 0, 1, 1, 1, 0], strides=[2, 2, 1], dilations=[2, 1, 1]
    ),
    "conv of rank 5, SAME_UPPER": Tester((1, 3, 4, 5, 6)).op("Conv", random(4, 3, 2, 3, 3), auto_pad="SAME_UPPER"),
    "max pool of rank 5": Tester((2, 3, 5, 6, 8)).op(
        "MaxPool", kernel_shape=[3, 2, 2], strides=[2, 2, 2], pads=[1, 0, 0, 1, 0, 0]
    ),
    "depthwise conv of rank 3": Tester((1, 6, 9)).op("Conv", random(6, 1, 3), group=6, pads=[2, 2], dilations=[2]),
    "pools of rank 3": Tester((1, 6, 9))
    .op("MaxPool", kernel_shape=[3], strides=[2], pads=[1, 1])
    .op("AveragePool", kernel_shape=[2]),
    "mean of rank 3": Tester((1, 6, 9)).op("GlobalAveragePool"),
    "maximum of rank 5": Tester((1, 6, 3, 2, 2)).op("GlobalMaxPool"),
    "max pool, dilated": Tester(PICTURE).op(
        "MaxPool", kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2], pads=[2, 1, 2, 1]
    ),
    "average pool, dilated": Tester(PICTURE, opset=19).op(
        "AveragePool", kernel_shape=[2, 2], dilations=[2, 2], pads=[1] * 4
    ),
    "average pool, ceil mode that counts padding": Tester(PICTURE, opset=19).op(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 0], ceil_mode=1, count_include_pad=1
    ),
    "transposed conv, 2x2": Tester(PICTURE).op("ConvTranspose", random(6, 4, 2, 2), random(4), strides=[2, 2]),
    "transposed conv, 4x4": Tester(PICTURE).op("ConvTranspose", random(6, 4, 4, 4), strides=[2, 2], pads=[1] * 4),
    "transposed conv, 3x3": Tester(PICTURE).op(
        "ConvTranspose", random(6, 4, 3, 3), random(4), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]
    ),
    "transposed conv, longer than its reach": Tester(PICTURE).op(
        "ConvTranspose", random(6, 4, 2, 2), random(4), strides=[3, 2], output_padding=[2, 1]
    ),
    "transposed conv, SAME_UPPER": Tester(PICTURE).op(
        "ConvTranspose", random(6, 4, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"
    ),
    "transposed conv, output shape": Tester(PICTURE).op(
        "ConvTranspose", random(6, 4, 3, 3), strides=[2, 2], output_shape=[14, 18]
    ),
    "transposed conv in groups": Tester(PICTURE).op(
        "ConvTranspose", random(6, 2, 3, 3), random(6), group=3, strides=[2, 2], pads=[1] * 4, output_padding=[1, 0]
    ),
    "transposed conv, depthwise": Tester(PICTURE).op(
        "ConvTranspose", random(6, 1, 4, 4), group=6, strides=[2, 2], pads=[1] * 4
    ),
    "transposed conv, dilated": Tester(PICTURE).op(
        "ConvTranspose", random(6, 4, 3, 2), dilations=[2, 3], strides=[1, 2], pads=[4, 0, 1, 1]
    ),
    "transposed conv of rank 3": Tester((1, 6, 9)).op(
        "ConvTranspose", random(6, 4, 3), random(4), strides=[2], pads=[1, 0]
    ),
    "resize, linear": Tester(PICTURE).op("Resize", None, None, integers(1, 6, 14, 18), mode="linear"),
    "resize, linear, smaller": Tester(PICTURE).op("Resize", None, None, integers(1, 6, 3, 4), mode="linear"),
    "resize, linear, uneven": Tester(PICTURE).op("Resize", None, np.array([1, 1, 1.5, 1.3], np.float32), mode="linear"),
    "resize, corners aligned": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 11, 20), mode="linear", coordinate_transformation_mode="align_corners"
    ),
    "resize, to one row": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 1, 5), mode="linear", coordinate_transformation_mode="pytorch_half_pixel"
    ),
    "resize, cubic": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 14, 12), mode="cubic", cubic_coeff_a=-0.75
    ),
    "resize, antialiased": Tester(PICTURE).op("Resize", None, None, integers(1, 6, 4, 5), mode="linear", antialias=1),
    "resize, rank 3": Tester((2, 6, 9)).op("Resize", None, None, integers(2, 6, 20), mode="linear"),
    "resize, rank 5": Tester((1, 2, 3, 4, 5)).op("Resize", None, None, integers(1, 2, 6, 8, 10), mode="linear"),
    "matrix times a computed one": Tester((2, 3, 4, 5))
    .op("Transpose", perm=[0, 1, 3, 2], name="turned")
    .op("MatMul", "turned", first=INPUT),
    "matrices broadcast": Tester((2, 3, 5, 5)).op("ReduceMax", integers(0)).op("MatMul", INPUT),
    "matrices of rank 5": Tester((2, 1, 3, 4, 4)).op("Relu").op("MatMul", INPUT),
    "vector times matrix": Tester((4,)).op("MatMul", random(4, 5)),
    "matrix times vector": Tester((3, 4)).op("MatMul", random(4)),
    "rows of an image mixed": Tester(PICTURE).op("Relu").op("MatMul", "value0", first=random(3, 7)),
    "gemm of a transposed matrix": Tester((3, 4)).op("Gemm", random(3, 5), random(4, 1), transA=1, beta=0.5),
    "gemm of a computed matrix": Tester((3, 4)).op("Gemm", INPUT, random(3), transB=1, alpha=0.5),
    "bounds computed": Tester(PICTURE).op("ReduceMean", keepdims=0, name="mean").op("Clip", "mean", first=INPUT),
    "grid sample": Tester(PICTURE).op("GridSample", random(1, 4, 5, 2), mode="bilinear"),
    "grid sample, corners aligned, border": Tester(PICTURE).op(
        "GridSample", random(1, 4, 5, 2), mode="bilinear", align_corners=1, padding_mode="border"
    ),
    "grid sample, reflected": Tester(PICTURE).op(
        "GridSample", random(1, 4, 5, 2) * 2, mode="bilinear", padding_mode="reflection"
    ),
    "grid sample, nearest": Tester(PICTURE).op("GridSample", random(1, 4, 5, 2), mode="nearest"),
    "einsum, product": Tester((2, 3, 4, 5)).op("Einsum", random(5, 6), equation="bchw,wk->bkch"),
    "einsum, attention": Tester((2, 3, 4, 5)).op("Einsum", INPUT, equation="bnid, bnjd -> bnij"),
    "einsum, ellipsis": Tester((2, 3, 4, 5)).op("Einsum", random(1, 3, 5, 2), equation="...hw,...wk->...kh"),
    "einsum, channels weighted": Tester(PICTURE).op("Einsum", random(6), equation="nchw,c->nchw"),
    "einsum, one operand": Tester(PICTURE).op("Einsum", equation="nchw->cn"),
    "einsum, three operands": Tester((2, 3, 4)).op("Einsum", random(4, 5), random(5, 3), equation="bij,jk,ki->bk"),
    "einsum, outer": Tester((2, 3)).op("Einsum", random(4), equation="ij,k"),
    "lstm": Tester((5, 2, 3)).op("LSTM", random(1, 16, 3), random(1, 16, 4), random(1, 32), hidden_size=4),
    "lstm, both directions, states": Tester((4, 2, 3))
    .op(
        "LSTM",
        *(random(2, 16, 3), random(2, 16, 4), random(2, 32), None, random(2, 2, 4), random(2, 2, 4, seed=1)),
        hidden_size=4,
        direction="bidirectional",
        outputs=3,
        name="y",
    )
    .output("y.1")
    .output("y.2"),
    "lstm, last states alone": Tester((4, 2, 3))
    .op("LSTM", random(1, 16, 3), random(1, 16, 4), random(1, 32), hidden_size=4, outputs=3, name="y")
    .op("Add", "y.2", first="y.1"),
    "gru": Tester((5, 2, 3)).op("GRU", random(1, 12, 3), random(1, 12, 4), random(1, 24), hidden_size=4),
    "gru of PyTorch, backwards": Tester((5, 2, 3)).op(
        "GRU",
        *(random(1, 12, 3), random(1, 12, 4), random(1, 24), None, random(1, 2, 4)),
        hidden_size=4,
        linear_before_reset=1,
        direction="reverse",
    ),
    "rnn of relu": Tester((5, 2, 3)).op(
        "RNN", random(1, 4, 3), random(1, 4, 4), random(1, 8), hidden_size=4, activations=["Relu"]
    ),
    "embedding": Tester((2, 12)).op("ArgMax", axis=1).op("Gather", "value0", first=random(12, 5)),
    "log softmax": Tester((2, 12)).op("LogSoftmax"),
    "log softmax over channels": Tester(PICTURE).op("LogSoftmax", axis=1),
    "softmax": Tester((2, 12)).op("Softmax"),
    "softmax over channels": Tester(PICTURE).op("Softmax", axis=1),
    "softmax over rows": Tester(PICTURE).op("Softmax", axis=2),
    "add": Tester(PICTURE).op("Sigmoid", name="s").op("Add", INPUT).op("Relu"),
    "rank 0": Tester((1,)).op("Squeeze").op("Transpose").op("Add", scalar(1)).op("LeakyRelu").op("Mul", random(2, 3)),
    "add a number": Tester(PICTURE).op("Add", scalar(2)),
    "add a constant a channel": Tester(PICTURE).op("Add", random(6, 1, 1)),
    "constant minus": Tester(PICTURE).op("Sub", INPUT, first=random(1, 6, 1, 1)),
    "multiply by one channel": Tester(PICTURE).op("GlobalAveragePool").op("Mul", INPUT),
    "divide": Tester(PICTURE).op("Div", random(1, 6, 7, 9) ** 2 + 1),
    "maximum of three": Tester(PICTURE).op("Max", random(6, 1, 1), scalar(0.1)),
    "minimum": Tester(PICTURE).op("Min", random(1, 1, 7, 9)),
    "broadcast to rank 5": Tester((1, 2, 3, 4, 5)).op("Sub", random(1, 2, 1, 4, 5)),
    "batch normalization": Tester(PICTURE).op(
        "BatchNormalization", random(6), random(6, seed=1), random(6, seed=2), random(6) ** 2 + 0.1
    ),
    "classifier": Tester(PICTURE).op("GlobalAveragePool").op("Flatten").op("Gemm", random(6, 5)),
    "classifier over a picture": Tester(PICTURE).op("Flatten").op("Gemm", random(378, 5)),
}

#: Graphs that only move numbers.
MOVEMENT: dict[str, Tester] = {
    "depth to space": Tester((1, 12, 3, 4)).op("DepthToSpace", blocksize=2),
    "depth to space, columns first": Tester((1, 12, 3, 4)).op("DepthToSpace", blocksize=2, mode="CRD"),
    "space to depth": Tester((1, 3, 6, 8)).op("SpaceToDepth", blocksize=2),
    "scatter, rows": Tester((5, 6, 4)).op("Relu", name="r").op("ScatterND", np.array([[3], [1], [3]]), random(3, 6, 4)),
    "scatter, channels of another value": Tester(PICTURE)
    .op("Slice", integers(0), integers(2), integers(1))
    .op("Relu")
    .op("Transpose", perm=[1, 0, 2, 3], name="updates")
    .op("Transpose", first=INPUT, perm=[1, 0, 2, 3])
    .op("ScatterND", np.array([[2], [3]]), "updates")
    .op("Transpose", perm=[1, 0, 2, 3]),
    "scatter into a constant": Tester((2, 6, 4)).op("ScatterND", np.array([[4], [0]]), INPUT, first=random(5, 6, 4)),
    "scatter, elements": Tester(PICTURE).op(
        "ScatterElements", np.full((1, 6, 7, 2), [8, -9]), random(1, 6, 7, 2), axis=3
    ),
    "tile": Tester(PICTURE).op("Tile", integers(1, 2, 1, 5)),
    "dropout": Tester(PICTURE).op("Dropout", scalar(0.5), np.array(False)),
    "dropout, opset 10": Tester(PICTURE, opset=10).op("Dropout", ratio=0.5),
    "shift, depthwise": Tester(PICTURE).op("Conv", shift_kernel(6), group=6, pads=[1] * 4),
    "shift, slices": shift_by_slices(Tester((1, 9, 5, 6))),
    "shift, gather": shift_by_gather(Tester((1, 9, 5, 6))),
    "shuffle, transpose": shuffle(Tester(PICTURE), 3, "shuffle"),
    "shuffle, gather": Tester(PICTURE).op("Gather", integers(0, 3, 1, 4, 2, -1), axis=1),
    "shuffle, 5-D": Tester(PICTURE)
    .op("Reshape", integers(1, 3, 2, 7, 9))
    .op("Transpose", perm=[0, 2, 1, 3, 4])
    .op("Reshape", integers(1, 6, 7, 9)),
    "transpose of a picture": Tester(PICTURE).op("Transpose", perm=[0, 1, 3, 2]),
    "transpose of a matrix": Tester((3, 4)).op("Transpose"),
    "transpose, rank 6": Tester((1, 2, 3, 2, 2, 3)).op("Transpose", perm=[0, 3, 1, 5, 2, 4]),
    "flatten": Tester(PICTURE).op("Flatten"),
    "flatten all": Tester(PICTURE).op("Flatten", axis=0),
    "squeeze": Tester((1, 6, 1, 9)).op("Squeeze", integers(2)),
    "squeeze all": Tester((3, 1, 4, 1)).op("Squeeze"),
    "unsqueeze": Tester((3, 4)).op("Unsqueeze", integers(0, -1)),
    "reshape with a copied size": Tester((2, 3, 4)).op("Reshape", integers(0, -1)),
    "identity": Tester(PICTURE).op("Identity"),
    "resize, nearest": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 14, 27), coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "resize, nearest, uneven": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 10, 5), coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    ),
    "resize, nearest, half pixel": Tester(PICTURE).op("Resize", None, None, integers(1, 6, 10, 18)),
    "resize, nearest, corners aligned": Tester(PICTURE).op(
        "Resize", None, None, integers(1, 6, 10, 18), coordinate_transformation_mode="align_corners"
    ),
    "tokens of an image and back": Tester(PICTURE)
    .op("Reshape", integers(1, 6, 63))
    .op("Transpose", perm=[0, 2, 1])
    .op("Transpose", perm=[0, 2, 1])
    .op("Reshape", integers(1, 6, 7, 9)),
    "reshape that joins what lies apart": Tester(PICTURE).op("Reshape", integers(1, 42, 9)),
    "expand before a product": Tester(PICTURE)
    .op("ReduceMax", integers(1))
    .op("Expand", integers(1, 6, 7, 9))
    .op("Add", INPUT),
    "expand of whole numbers": Tester((1, 6, 1, 1))
    .op("Cast", to=6)
    .op("Expand", integers(1, 6, 4, 5))
    .op("Cast", to=1),
    "expand": Tester((1, 6, 1, 1)).op("Expand", integers(1, 6, 4, 5)),
    "expand to the same": Tester(PICTURE).op("Expand", integers(6, 7, 9)),
    "concat, channels": Tester(PICTURE).op("Relu", name="r").op("Concat", INPUT, axis=1),
    "concat, columns": Tester(PICTURE).op("Concat", random(1, 6, 7, 2), axis=-1),
    "concat of eleven": Tester(PICTURE).op("Concat", *[INPUT] * 10, axis=2),
    "split": Tester(PICTURE).op("Split", integers(1, 5), axis=1, outputs=2).output("value0.1"),
    "split in halves": Tester(PICTURE, opset=11).op("Split", axis=1, outputs=2),
    "slice": Tester(PICTURE).op("Slice", integers(1, -3), integers(4, 9999), integers(1, 3)),
    "slice with steps": Tester(PICTURE).op("Slice", integers(1, 0), integers(6, 9), integers(1, 3), integers(2, 3)),
    "slice, every other pixel": Tester(PICTURE).op(
        "Slice", *(integers(*n) for n in ((0, 0), (9999, 9), (2, 3), (2, 2)))
    ),
    "slice, every third row": Tester(PICTURE).op("Slice", integers(0), integers(7), integers(2), integers(3)),
    "slice, odd pixels": Tester(PICTURE).op("Slice", *(integers(*n) for n in ((1, 1), (7, 9), (2, 3), (2, 2)))),
    "pool over one pixel": Tester(PICTURE).op("AveragePool", kernel_shape=[1, 1], strides=[2, 3]),
    "slice backwards": Tester(PICTURE).op("Slice", integers(-1), integers(-9999), integers(2), integers(-2)),
    "slice, rank 5": Tester((1, 2, 3, 4, 5)).op("Slice", integers(1), integers(3), integers(2)),
    "slice with steps, rank 5": Tester((1, 2, 3, 4, 5)).op("Slice", *map(integers, (0, 4, 3, 2))),
    "pad": Tester(PICTURE).op("Pad", integers(0, 1, 2, 0, 0, 0, 1, 3)),
    "pad with ones": Tester(PICTURE).op("Pad", integers(1, 2), scalar(1), integers(2)),
    "pad that cuts": Tester(PICTURE).op("Pad", integers(0, -1, 2, -3, 0, 0, -1, 1)),
    "pad with edges": Tester(PICTURE).op("Pad", integers(0, 0, 2, 1, 0, 0, 0, 3), mode="edge"),
    "pad that reflects": Tester(PICTURE).op("Pad", integers(0, 0, 6, 1, 0, 0, 2, 0), mode="reflect"),
    "pad that wraps": Tester(PICTURE, opset=19).op("Pad", integers(0, 0, 7, 1, 0, 0, 0, 3), mode="wrap"),
    "pad with edges, rank 3": Tester((2, 3, 4)).op("Pad", integers(0, 1, 2, 0, 0, 1), mode="edge"),
    "pad, rank 5": Tester((1, 2, 3, 4, 5)).op("Pad", integers(0, 1, 0, 0, 0, 0, 0, 2, 0, 0)),
    "gather every other channel": Tester(PICTURE).op("Gather", integers(1, 3, 5), axis=1),
    "gather many channels": Tester(PICTURE).op("Gather", integers(5, 0, 4, 2, 1, 3, 3), axis=1),
    "gather a grid": Tester((5, 4, 3)).op("GatherND", np.array([[[0, 3], [0, 1]], [[4, 3], [4, 1]]], np.int64)),
    "gather single lines": Tester((5, 4, 3)).op("GatherND", np.array([[0, 3], [2, -1], [4, 0]], np.int64)),
    "gather numbers": Tester((5, 4)).op("GatherElements", np.array([[0, 3, 1], [2, -1, 0]], np.int64), axis=1),
    "gather numbers of computed places": Tester((5, 4))
    .op("TopK", integers(2), outputs=2, name="t")
    .op("GatherElements", "t.1", first=INPUT, axis=1),
    "gather lines of computed places": Tester((5, 4))
    .op("ArgMax", axis=0, keepdims=0)
    .op("Gather", "value0", first=INPUT),
    "triangle": Tester((2, 4, 5)).op("Trilu", np.array(1, np.int64), upper=0),
    "gather one channel": Tester(PICTURE).op("Gather", np.array(2, np.int64), axis=1),
    "gather a table": Tester((5, 4)).op("Gather", np.array([[0, 4], [2, 2]], np.int64), axis=0),
}

#: Graphs with a dynamic batch.
DYNAMIC: dict[str, Tester] = {
    "conv": Tester(("N", 6, 7, 9)).op("Conv", random(4, 6, 3, 3), pads=[1] * 4, strides=[2, 2]),
    "shuffle": shuffle(Tester(("N", 6, 7, 9)), 3, "shuffle"),
    "shift, slices": shift_by_slices(Tester(("N", 9, 5, 6))),
    "shift, gather": shift_by_gather(Tester(("N", 9, 5, 6))),
    "classifier": Tester(("N", 6, 7, 9)).op("GlobalAveragePool").op("Flatten").op("Gemm", random(6, 5)),
    "transpose of the batch": Tester(("N", 4)).op("Transpose", perm=[1, 0]).op("Relu"),
    "pad with edges": Tester(("N", 6, 4, 5)).op("Pad", integers(0, 0, 2, 1, 0, 0, 0, 3), mode="edge"),
    "depth to space, columns first": Tester(("N", 12, 3, 4)).op("DepthToSpace", blocksize=2, mode="CRD"),
    "space to depth": Tester(("N", 3, 6, 8)).op("SpaceToDepth", blocksize=2),
    "scatter, channels of another value": Tester(("N", 6, 4, 5))
    .op("Slice", integers(0), integers(2), integers(1))
    .op("Relu")
    .op("Transpose", perm=[1, 0, 2, 3], name="updates")
    .op("Transpose", first=INPUT, perm=[1, 0, 2, 3])
    .op("ScatterND", np.array([[2], [3]]), "updates")
    .op("Transpose", perm=[1, 0, 2, 3]),
    "transposed conv": Tester(("N", 6, 4, 5)).op(
        "ConvTranspose", random(6, 4, 3, 3), random(4), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]
    ),
    "tokens": Tester(("N", 6, 4, 5))
    .op("Reshape", integers(-1, 6, 20))
    .op("Transpose", perm=[0, 2, 1])
    .op("LayerNormalization", random(6))
    .op("MatMul", random(6, 4))
    .op("Transpose", perm=[0, 2, 1])
    .op("Reshape", integers(-1, 4, 4, 5)),
    "group norm and resize": Tester(("N", 6, 4, 5), opset=18)
    .op("InstanceNormalization", random(6), random(6))
    .op("Resize", None, np.array([1, 1, 2, 1.5], np.float32), mode="linear"),
    "odd pixels": Tester(("N", 6, 7, 9)).op("Slice", *(integers(*n) for n in ((1, 2), (9, 9), (2, 3), (2, 3)))),
    "strided slice": Tester(("N", 6, 7, 9)).op("Slice", integers(0), integers(7), integers(2), integers(2)),
    "squeeze and unsqueeze": Tester(("N", 6, 1, 1)).op("Squeeze", integers(2, 3)).op("Unsqueeze", integers(1, 3)),
    "reshape with a copied size": Tester(("N", 6, 4)).op("Reshape", integers(0, -1)),
    "channel scale": Tester(("N", 6, 7, 9)).op("Mul", random(6, 1, 1)).op("Add", INPUT).op("Relu"),
    "rank 2 meets rank 3": Tester(("N", 4)).op("Unsqueeze", integers(1)).op("MatMul", random(4, 3)),
}
