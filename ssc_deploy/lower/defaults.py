"""Which lowering ``auto`` takes: what ``benchmarks/lowerings.py`` measured to be the fastest, for each target.

ONNX Runtime 1.32, x86-64, one thread, SSC-Net stages, time relative to ``depthwise``:

    channels x size     81x32  81x16  162x16  162x8  54x16  18x32  27x8  9x8   324x16  324x8  144x32  144x8  36x8
    flat                0.63   0.56   0.60    0.49   0.57   0.64   0.84  1.36  0.99    1.07   1.05    1.21   1.52
    slice               0.74   0.75   0.76    0.73   0.78   0.76   1.12  1.51  1.17    1.46   1.15    1.74   2.08
    gather              2.55   2.15   2.01    1.42   2.23                              2.61

The runtime's depthwise kernel is fast only in the blocked layout (NCHWc), which takes channels in multiples of four;
and nine pieces of a tiny feature map cost more in calls than they save. ``flat`` with a dynamic batch takes 0.89 and
0.82 of the time of ``slice`` in the first two stages (0.87 and 0.80 with a fixed one). Where its mask has no
convolution with a ReLU to go into, it takes 1.08 and 0.90 of it, and with offsets mixed up, which make two pieces of
every channel, 0.98 and 1.22; those are left to ``slice``. As for shuffles, ``gather`` takes 0.98 of the time of
``transpose``.

Shuffles on LiteRT 2.3, x86-64 with AVX-512, one thread, in microseconds of CPU time:

    groups x channels, size   2x58x28  2x116x14  2x12x56  3x80x28  3x40x14  4x32x28  4x64x14  9x9x32  8x8x56
    transpose                      56        24       66      131       10       37       14      32      45
    planes                         30        13       29       76        5       39       14      59      83
    gather (of planes)             49        16       39      103        8       53       20      67     110

Both halves of ShuffleNetV2's shuffle (116x28, 232x14, 464x7): ``planes``, in the delegate, 60 to 70, 20, 11; ``gather``
of planes, with two partitions more, 35, 15, 10; ``gather`` of pixels, as it was, 520, 211, 118; a 1x1 convolution of
ones and zeros 304, 328, 311. Selections that are no part of a transposition, as in CondenseNet, in milliseconds:

    channels x size         24x112  64x56  128x56  128x28  272x28  400x14  912x14  1040x7  1936x7
    gather of pixels          1.08   0.91    1.36    0.32    0.73    0.24    0.85    0.28    0.35
    gather of planes          0.21   0.13    0.32    0.06    0.11    0.04    0.12    0.04    0.07
    1x1 of ones and zeros     0.28   0.31    1.23    0.26    1.46    0.72    4.21    1.55    5.42

So they leave the delegate, which takes no GATHER, and gain by it. A GATHER is exact for Inf and NaN as well, where a
product with zero is not.

What was measured and is not done, as ratios of SSC-Net-6-9 with and without: group pointwise of nine channels joined to
blocks of 18 or 27 on ONNX Runtime, 1.01 to 1.16.

Dense products stay ``plain``. In a .tflite file with ``tile-8`` SSC-Net-6-9 takes 1.01 of the time on LiteRT 2.3, which
is good at what is left of a tile, and 0.89 on tflite-runtime 2.14, which is not (AVX-512; ``python -m
benchmarks.peers``). What a phone gains, if it does, only the phone can tell: `ssc_deploy.tune`.

Graphs of 8-bit integers have defaults of their own. Time of an int8 file relative to float32, SSC-Net-6-9, one thread,
AMD Zen 5; with AVX2 alone the runtimes were shown a processor without AVX-512 and VNNI:

                                        LiteRT 2.3          ONNX Runtime 1.32
                                     VNNI   AVX2 alone     VNNI   AVX2 alone
    shifts by depthwise, as float32  0.57      1.24        1.56      1.32
    shuffles by planes               0.54      1.22        1.57
    groups joined to 18              0.55      1.19        1.46      1.25
    groups joined to 27 or 36        0.50      1.11        1.24      1.19
    groups joined to 54              0.51      1.17        1.23      1.26
    groups joined to 81              0.62      1.53        1.29      1.52
    shifts by slice                  0.92                  1.78
    shifts by gather                 1.44                  2.96
    shifts by flat                                         1.34      1.25

A shift by ``flat`` masks real numbers, so that the group convolutions before it stay in float32, which are faster
there. Not done: feature maps of 32x32 and 16x16 padded to a multiple of 16 channels, and all their groups joined. ONNX
Runtime's kernels for integers are twice as fast then, and the file takes 0.94 of the time of float32 with VNNI, but
1.73 of it with AVX2 alone, and 0.71 of the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ssc_deploy.ir.movement import Edge
from ssc_deploy.ir.roles import Role
from ssc_deploy.lower import joined, shift_flat, transposition
from ssc_deploy.lower.product import PLAIN
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ssc_deploy.lower.joined import GroupedSite
    from ssc_deploy.lower.site import Site

_BLOCKED_CHANNELS = 4
# Between 27 channels of 8x8 (192 numbers a slice; depthwise wins) and 81 of 8x8 (576; slices win).
_NUMBERS_A_SLICE = 384
# Between 9 channels of 8x8 (64 numbers an offset; depthwise wins) and 27 of 8x8 (192; the rotation wins).
_NUMBERS_A_ROTATION = 128
# Shuffles of 3 groups are faster over planes, those of 4 over pixels.
_TURNED_PIXELS = 4


def shift(site: Site) -> str:
    """Name of the default lowering of a shift."""
    if site.movement.rolls:
        return "slice"
    if site.target is Target.LITERT:
        return "depthwise"
    channels, distinct = site.movement.in_channels, len(set(site.movement.offsets))
    numbers = channels * site.height * site.width // distinct
    rotates = site.movement.edge is Edge.ZERO and shift_flat.folds(site) and shift_flat.pieces(site) <= 2 * distinct
    if channels % _BLOCKED_CHANNELS == 0 or numbers < (_NUMBERS_A_ROTATION if rotates else _NUMBERS_A_SLICE):
        return "depthwise"
    return "flat" if rotates else "slice"


def shuffle(site: Site) -> str:
    """Name of the default lowering of a shuffle."""
    if site.target is Target.ONNXRUNTIME:
        return "gather"
    part = transposition.part_of(site.movement.source, site.movement.in_channels)
    if part is None:
        return "gather"
    whole = len(site.movement.source) == site.movement.in_channels
    return "transpose" if whole and min(part.view) >= _TURNED_PIXELS else "planes"


#: By role: the name of the default lowering of a site.
OF: Mapping[Role, Callable[[Any], str]] = {
    Role.SHIFT: shift,
    Role.SHUFFLE: shuffle,
    Role.DENSE: lambda _site: PLAIN.name,
    Role.GROUPED: lambda _site: PLAIN.name,
}


# Groups of integers are joined up to so many channels: 54 are no faster, and take more of the file.
_JOINED = 36
# LiteRT gains 0.07 of the time by it in the first two stages of an SSC-Net, and 0.01 in the third for as many bytes.
_JOINED_PIXELS = 256


def shift_of_integers(site: Site) -> str:
    """Name of the default lowering of a shift of 8-bit integers."""
    return "slice" if site.movement.rolls else "depthwise"


def shuffle_of_integers(site: Site) -> str:
    """Name of the default lowering of a shuffle of 8-bit integers."""
    if site.target is Target.ONNXRUNTIME:
        return "gather"
    return "gather" if transposition.part_of(site.movement.source, site.movement.in_channels) is None else "planes"


def grouped_of_integers(site: GroupedSite) -> str:
    """Name of the default lowering of a grouped 1x1 convolution of 8-bit integers."""
    if site.target is Target.LITERT and site.height * site.width < _JOINED_PIXELS:
        return PLAIN.name
    return joined.fitting(site, _JOINED)


#: The same for 8-bit integers.
OF_INTEGERS: Mapping[Role, Callable[[Any], str]] = {
    **OF,
    Role.SHIFT: shift_of_integers,
    Role.SHUFFLE: shuffle_of_integers,
    Role.GROUPED: grouped_of_integers,
}

#: The same where nothing may depend on the size of images.
OF_ANY_SIZE: Mapping[Role, Callable[[Any], str]] = {
    **OF,
    Role.SHIFT: shift_of_integers,
    Role.SHUFFLE: lambda _site: "gather",
}
