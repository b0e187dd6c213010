"""How a TFLite file holds the feature maps inside a network, and which way is taken where nobody says.

LiteRT 2.3 runs ``channel-major`` as one delegate partition: an SSC-Net-6-9 in 0.95 to 0.98 of the time of ``nhwc`` on a
shared AMD Zen 5 (``python -m benchmarks.latency``). In microseconds, in the first stage (81 channels of 32x32):

    operator          dense 1x1   group 1x1   shift   shuffle   bias and ReLU
    nhwc                    152          42      49        26         (fused)
    channel-major           145          38      26     15-20               6

The dense 1x1 is half of a module in either layout, and in the last stage (8x8) even slower over planes. With AVX-512 on
another shared machine an SSC-Net-1-9 took 0.85 [0.84, 0.92] of the time of ``nhwc``, an SSC-Net-4-18 0.85 [0.78, 1.02].

The XNNPACK of tflite-runtime 2.14 takes no BATCH_MATMUL: 107 partitions, 1.30 of the time. The runtime of a phone is
chosen by the app, not here: what is lost on an old one is more than what is gained on a new one. So the layout
is taken only where the user says that the file is for LiteRT (``--runtime litert``).

Not done, since verification could no longer compare the values in between: a bias that is carried on (the ReLU as
max(z, -b), b added where it is needed), and planes that keep a shift's spare pixel until the next.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ssc_deploy.errors import LoweringError


class Layout(enum.StrEnum):
    """Where the channels stand."""

    NHWC = "nhwc"  #: last, as TFLite has them: every runtime takes it whole
    CHANNEL_MAJOR = "channel-major"  #: first, in stretches of group convolutions: see `channel_major`


class Runtime(enum.StrEnum):
    """What a TFLite file is to be fast on."""

    LITERT = "litert"  #: LiteRT 2.3 and later
    TFLITE_2_14 = "tflite-2.14"  #: tflite-runtime 2.14, the last of its name; LiteRT takes its files as well


@dataclass(frozen=True)
class ChosenLayout:
    """The layout of a file.

    Attributes:
        layout: that was chosen.
        reason: why, the rest of a sentence after the name of the layout; parameters stand in back quotes.
    """

    layout: Layout
    reason: str


def choose(
    layout: str, runtime: str | None, *, stretches: bool, batch: int | None, quantized: bool, any_size: bool
) -> ChosenLayout:
    """The layout of a file, and why it is that one.

    Args:
        layout: of `Layout`, or ``auto``: the fastest on the runtime.
        runtime: of `Runtime`, or None for a file that is fast on each.
        stretches: whether the network has what ``channel-major`` makes faster.
        batch: images at a time; None for any number.
        quantized: whether the file computes in integers.
        any_size: whether it takes images of any size.

    Raises:
        LoweringError: an unknown name.
    """
    if layout != "auto" and layout not in set(Layout):
        raise LoweringError(f"there is no layout {layout!r}; choose one of auto, {', '.join(Layout)}")
    if runtime is not None and runtime not in set(Runtime):
        raise LoweringError(f"there is no runtime {runtime!r}; choose one of {', '.join(Runtime)}")
    if layout != "auto":
        return ChosenLayout(Layout(layout), "as asked")
    if not stretches:
        return ChosenLayout(
            Layout.NHWC, "there are no group pointwise convolutions, which channel-major would make faster"
        )
    if quantized:
        return ChosenLayout(Layout.NHWC, "XNNPACK takes no products of int8 planes, as channel-major has them")
    if any_size:
        return ChosenLayout(Layout.NHWC, "channel-major takes images of one size")
    if batch != 1:
        return ChosenLayout(Layout.NHWC, "channel-major takes one image at a time")
    if runtime == Runtime.LITERT:
        return ChosenLayout(Layout.CHANNEL_MAJOR, "it is faster on LiteRT for this network's group convolutions")
    if runtime == Runtime.TFLITE_2_14:
        return ChosenLayout(Layout.NHWC, "channel-major is slower on tflite-runtime 2.14")
    return ChosenLayout(
        Layout.NHWC,
        "fast on every runtime; `runtime='litert'` chooses channel-major, which is faster on LiteRT and slower on "
        "tflite-runtime 2.14",
    )
