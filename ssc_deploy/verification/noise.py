"""How much a plan changes each value: the ratio of signal to noise, in decibels.

    SQNR = 10 log10( sum y^2 / sum (q - y)^2 )

with y a value of the network in float64, and q the same with all that the plan rounds before it and at it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.quantize.grid import decibels
from ssc_deploy.verification.integers import Replay

if TYPE_CHECKING:
    import onnx_ir as ir

    from ssc_deploy.examples import Examples
    from ssc_deploy.quantize.plan import Plan


def ratios(exact: ir.Model, model: ir.Model, plan: Plan, inputs: Examples) -> dict[str, float]:
    """Decibels of each value of the plan and of each output, in the order of the graph; infinite where nothing differs.

    Args:
        exact: the canonical graph before anything was rounded.
        model: the one that belongs to the plan; its values have the same names.
        plan: of it.
        inputs: examples.

    Raises:
        VerificationError: one of the graphs cannot be computed in float64.
    """
    network, quantized = Replay(exact, dataclasses.replace(plan, grids={}, kernels=frozenset())), Replay(model, plan)
    signal: dict[str, float] = {}
    noise: dict[str, float] = {}
    for given, _ in inputs.runs(1):
        values, every = quantized.values(given), network.every(given)
        for name, value in values.items():
            y = np.asarray(every[name], np.float64)
            signal[name] = signal.get(name, 0.0) + float(np.square(y).sum())
            noise[name] = noise.get(name, 0.0) + float(np.square(value - y).sum())
    return {name: decibels(signal[name], noise[name]) for name in signal}
