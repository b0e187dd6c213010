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
    "elu": Tester(PICTURE).op("Elu"),
    "log of what is positive": Tester(PICTURE).op("Abs").op("Add", scalar(0.5)).op("Log"),
    "softplus": Tester(PICTURE).op("Softplus"),
    "softplus, rank 2, large": Tester((2, 12)).op("Mul", scalar(300)).op("Softplus"),
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
    "odd pixels": Tester(("N", 6, 7, 9)).op("Slice", *(integers(*n) for n in ((1, 2), (9, 9), (2, 3), (2, 3)))),
    "strided slice": Tester(("N", 6, 7, 9)).op("Slice", integers(0), integers(7), integers(2), integers(2)),
    "squeeze and unsqueeze": Tester(("N", 6, 1, 1)).op("Squeeze", integers(2, 3)).op("Unsqueeze", integers(1, 3)),
    "reshape with a copied size": Tester(("N", 6, 4)).op("Reshape", integers(0, -1)),
    "channel scale": Tester(("N", 6, 7, 9)).op("Mul", random(6, 1, 1)).op("Add", INPUT).op("Relu"),
    "rank 2 meets rank 3": Tester(("N", 4)).op("Unsqueeze", integers(1)).op("MatMul", random(4, 3)),
}
