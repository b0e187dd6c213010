"""Windows that slide over feature maps (convolution, pooling): how ONNX's explicit padding is said in TFLite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.emit.tflite.refusal import refuse
from ssc_deploy.runtimes.tflite_schema import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir


@dataclass(frozen=True)
class Window:
    """A window over feature maps of [.., .., H, W]; pairs are (vertical, horizontal).

    Attributes:
        feature_map: (H, W) of the input.
        kernel: size.
        strides: steps in pixels.
        dilations: distance of the kernel's taps.
        before: pixels of padding above, and to the left.
        after: below, and to the right.
        any_size: whether it has to be the same padding for feature maps of any size.
    """

    feature_map: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    any_size: bool = False

    @property
    def reach(self) -> tuple[int, int]:
        """Size of the kernel with its dilation."""
        return _pair([(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)])

    @property
    def out(self) -> tuple[int, int]:
        """(H, W) of the output."""
        sides = zip(self.feature_map, self.before, self.after, self.reach, self.strides, strict=True)
        return _pair([(size + b + a - reach) // stride + 1 for size, b, a, reach, stride in sides])

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before + self.after)

    @property
    def padding(self) -> int | None:
        """``schema.Padding`` that means the same, None if only explicit zeros do."""
        if not self.padded:
            return int(schema.Padding.VALID)
        if self.any_size and self.strides != (1, 1):
            return None  # with steps, SAME adds more or less padding, as the size is odd or even
        return int(schema.Padding.SAME) if (self.before, self.after) == self._same() else None

    def _same(self) -> tuple[tuple[int, int], tuple[int, int]]:
        sides = zip(self.feature_map, self.reach, self.strides, strict=True)
        total = [max((-(-size // stride) - 1) * stride + reach - size, 0) for size, reach, stride in sides]
        return _pair([t // 2 for t in total]), _pair([t - t // 2 for t in total])


def window_of(node: ir.Node, feature_map: tuple[int, int], kernel: Sequence[int], *, any_size: bool = False) -> Window:
    """Reads strides, dilations and padding from a Conv or a pooling node.

    Args:
        node: a convolution or a pool.
        feature_map: (H, W) of its input.
        kernel: size of its window.
        any_size: see `Window`.

    Raises:
        UnsupportedOperatorError: not two-dimensional, negative padding, or an ``auto_pad`` that ONNX does not know.
    """
    if len(kernel) != 2:
        raise refuse(node, f"its window has {len(kernel)} dimensions where 2 are known here")
    strides = _pair(node.attributes.get_ints("strides", [1, 1]))
    dilations = _pair(node.attributes.get_ints("dilations", [1, 1]))
    pads = list(node.attributes.get_ints("pads", [0, 0, 0, 0]))
    bare = Window(feature_map, _pair(kernel), strides, dilations, (0, 0), (0, 0))
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        before, after = bare._same()
        pads = [*before, *after] if auto_pad == "SAME_UPPER" else [*after, *before]
    elif auto_pad not in ("NOTSET", "VALID"):
        raise refuse(node, f"auto_pad {auto_pad!r} is not known here")
    if min(pads) < 0:
        raise refuse(node, f"its padding {pads} is negative")
    return Window(feature_map, bare.kernel, strides, dilations, _pair(pads[:2]), _pair(pads[2:]), any_size)


def _pair(numbers: Sequence[int]) -> tuple[int, int]:
    first, second = numbers
    return int(first), int(second)
