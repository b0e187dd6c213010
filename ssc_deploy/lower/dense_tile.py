"""A dense product whose outputs fill the runtime's tile: padded with zeros to a multiple of it, and cut back.

    W [O, I],  b [O]            ->   W' = [W; 0] [O', I],  b' = [b; 0] [O'],     O' = T * ceil(O / T)
    y = max(W x + b, 0)          =   max(W' x + b', 0)[:O]

Every number is computed as before, and O' - O zeros beside them. A matrix kernel writes T outputs at a time (XNNPACK: 8
on Arm, 16 or 32 on x86), and some runtimes have a slower one for what is left over. Whether that costs more than the
zeros and the cut is the device's to say: `ssc_deploy.tune` asks it, and ``plain`` is the default everywhere.

Refused: a number of outputs that is a multiple of the tile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.ir import known
from ssc_deploy.lower.product import PLAIN
from ssc_deploy.lower.registry import Lowering

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.lower.dense import DenseSite


def tiled(tile: int) -> Lowering[DenseSite]:
    """The lowering ``tile-<tile>``."""

    def refusal(site: DenseSite) -> str | None:
        outputs = len(site.weight)
        return f"its {outputs} outputs are a multiple of {tile} as they are" if outputs % tile == 0 else None

    def build(site: DenseSite) -> ir.Value:
        return _padded(site, -len(site.weight) % tile)

    return Lowering(f"tile-{tile}", refusal, build)


def _padded(site: DenseSite, zeros: int) -> ir.Value:
    outputs, inputs, *kernel = site.weight.shape
    weight = np.concatenate([site.weight, np.zeros((zeros, inputs, *kernel), np.float32)])
    bias = np.concatenate([site.bias, np.zeros(zeros, np.float32)])
    n, _, *size = known.image(site.convolution.outputs[0])
    shape = (n, outputs + zeros, *size)
    constants = [site.constant("wide_weight", weight), site.constant("wide_bias", bias)]
    conv = site.convolution
    value = site.op("Conv", [conv.inputs[0], *constants], conv.attributes, label="wide", shape=shape, like=conv)
    if site.node is not conv:
        bounds = site.node.inputs[1:]
        value = site.op(site.node.op_type, [value, *bounds], site.node.attributes, label="wide_activated", shape=shape)
    bounds = [site.integers(*bound) for bound in (("starts", 0), ("ends", outputs), ("axes", 1))]
    return site.op("Slice", [value, *bounds], label="cut", shape=(n, outputs, *size))


LOWERINGS: tuple[Lowering[DenseSite], ...] = (PLAIN, tiled(8), tiled(16), tiled(32))
