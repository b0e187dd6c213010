"""Windows that slide over volumes, [N, C, D, H, W]: the same on the frames, one tap along D after the other.

With the frames of a volume as images of a batch, and k the tap along D,

    conv(x)[d] = sum over k of conv_2d(x[d * stride + k * dilation - pad], kernel[:, :, k])
    maximum(x)[d] = max over k of maximum_2d(x[d * stride + k * dilation - pad])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssc_deploy.emit.tflite.formula import Formula, integers
from ssc_deploy.emit.tflite.refusal import refuse

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.emit.tflite.graph import Graph

#: Attributes that hold a number for each axis of a window.
_FOR_AXES = ("dilations", "kernel_shape", "strides")


def conv_of_rank_5(graph: Graph, node: ir.Node) -> None:
    """Writes a convolution over volumes as a sum of CONV_2Ds.

    Raises:
        UnsupportedOperatorError: the network computes the kernel.
    """
    kernel = graph.constant(node.inputs[1])
    if kernel is None:
        raise refuse(node, "its kernel slides over volumes, and the network computes it")
    f = Formula(graph, node)
    taps = _Taps(f, node, kernel.shape[2])
    bias = [f.input(2)] if f.has_input(2) else []
    padded = taps.padded_by_zeros()
    total = None
    for k in range(kernel.shape[2]):
        # The bias is added once.
        product = f.op("Conv", taps.frames(padded, k), kernel[:, :, k], *([] if k else bias), **taps.attributes)
        total = product if total is None else f.op("Add", total, product)
    assert total is not None  # a kernel has a tap
    f.give(taps.volume(total))


def max_pool_of_rank_5(graph: Graph, node: ir.Node) -> None:
    """Writes a maximum over volumes as MAXIMUM of frames, and MAX_POOL_2D of these.

    Raises:
        UnsupportedOperatorError: it is dilated and padded along the first axis.
    """
    f = Formula(graph, node)
    taps = _Taps(f, node, node.attributes.get_ints("kernel_shape", [1, 1, 1])[0])
    if max(taps.pads) and taps.dilation > 1:
        raise refuse(node, "its window over volumes has both padding and a dilation")
    padded = taps.padded_by_edges()
    greatest = taps.frames(padded, 0)
    for k in range(1, taps.kernel):
        greatest = f.op("Max", greatest, taps.frames(padded, k))
    f.give(taps.volume(f.op("MaxPool", greatest, **taps.attributes)))


class _Taps:
    """The window of a node along D.

    Args:
        f: that stands for the node.
        node: whose window has three axes.
        kernel: its size along D.

    Attributes:
        attributes: of the same node on images.
        pads: frames before and behind.
        kernel: size along D.
        dilation: along D.
    """

    def __init__(self, f: Formula, node: ir.Node, kernel: int) -> None:
        self._f, self.kernel = f, kernel
        self._x = f.op("Transpose", f.input(0), perm=[0, 2, 1, 3, 4])
        self._length = f.shape(self._x)[1]
        self._stride = int(node.attributes.get_ints("strides", [1] * 3)[0])
        self.dilation = int(node.attributes.get_ints("dilations", [1] * 3)[0])
        self.attributes: dict[str, Any] = {name: attribute.value for name, attribute in node.attributes.items()}
        for name in _FOR_AXES:
            if name in self.attributes:
                self.attributes[name] = list(self.attributes[name])[1:]
        pads = [int(pad) for pad in node.attributes.get_ints("pads", [0] * 6)]
        if "pads" in self.attributes:
            self.attributes["pads"] = [*pads[1:3], *pads[4:6]]
        self.pads = self._same(node.attributes.get_string("auto_pad", "NOTSET")) or (pads[0], pads[3])
        if min(pads) < 0:
            raise refuse(node, f"its padding {pads} is negative")
        reach = (kernel - 1) * self.dilation + 1
        self._out = (self._length + sum(self.pads) - reach) // self._stride + 1
        if node.attributes.get_int("ceil_mode", 0) and (self._length + sum(self.pads) - reach) % self._stride:
            raise refuse(node, "its window over volumes is cut off at the end (ceil_mode)")

    def padded_by_zeros(self) -> ir.Value:
        """[N, D + pads, C, H, W]."""
        before, after = self.pads
        return (
            self._f.op("Pad", self._x, integers(0, before, 0, 0, 0, 0, after, 0, 0, 0)) if any(self.pads) else self._x
        )

    def padded_by_edges(self) -> ir.Value:
        """The same, with copies of the first and the last frame: a window that reaches beyond them holds them, too."""
        before, after = self.pads
        first, last = self._cut(self._x, 0, 1, 1), self._cut(self._x, self._length - 1, self._length, 1)
        parts = [*[first] * before, self._x, *[last] * after]
        return self._f.op("Concat", *parts, axis=1) if len(parts) > 1 else self._x

    def frames(self, padded: ir.Value, tap: int) -> ir.Value:
        """What a tap reads, [N * out, C, H, W]."""
        start = tap * self.dilation
        cut = self._cut(padded, start, start + (self._out - 1) * self._stride + 1, self._stride)
        return self._f.op("Reshape", cut, integers(-1, *self._f.shape(cut)[2:]))

    def volume(self, frames: ir.Value) -> ir.Value:
        """Images [N * out, C, H, W] as volumes [N, C, out, H, W]."""
        apart = self._f.op("Reshape", frames, integers(-1, self._out, *self._f.shape(frames)[1:]))
        return self._f.op("Transpose", apart, perm=[0, 2, 1, 3, 4])

    def _cut(self, x: ir.Value, start: int, end: int, step: int) -> ir.Value:
        whole = (start, end, step) == (0, self._f.shape(x)[1], 1)
        return x if whole else self._f.op("Slice", x, integers(start), integers(end), integers(1), integers(step))

    def _same(self, auto_pad: str) -> tuple[int, int] | None:
        """The padding along D that ONNX leaves to be found."""
        if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
            return None
        reach = (self.kernel - 1) * self.dilation + 1
        total = max((-(-self._length // self._stride) - 1) * self._stride + reach - self._length, 0)
        sides = (total // 2, total - total // 2)
        return sides if auto_pad == "SAME_UPPER" else sides[::-1]
