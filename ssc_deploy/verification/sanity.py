"""Checks that a reference can be compared with a file: that it computes each image by itself.

A network that draws random numbers, keeps state or mixes the images of a batch has no single result that a file
could agree with. The check says so before the file is blamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.errors import NetworkError
from ssc_deploy.verification import inputs

if TYPE_CHECKING:
    from ssc_deploy.examples import Examples
    from ssc_deploy.verification.reference import Float64, Reference

#: How much two runs in float64 may differ, as a share of the largest value: a library may add in another order for
#: another batch size. Rounding is 1e-16, and the most chaotic networks enlarge it to 1e-11. Errors that matter in
#: float32 are 1e-7 and more.
_SAME = 1e-9


def check(reference: Reference, x: Examples) -> None:
    """Runs the network on the first example, again, and beside another one where they may lie side by side.

    Raises:
        NetworkError: the results differ, or the network cannot run so.
    """
    one = x[:1]
    first, again, *others = reference.in_turn([one, one, *([one.beside(inputs.another(one))] if x.rows else [])])
    if not _all_same(first, again):
        raise NetworkError(
            "the network computes something else when it is run again on the same image: it draws random numbers "
            "(dropout that is not switched off by eval(), for example) or keeps state; a file cannot be compared with "
            "it, unless `atol` and `rtol` say what may differ"
        )
    if not all(_all_same(first, tuple(output[:1] for output in beside)) for beside in others):
        raise NetworkError(
            "the network computes something else for an image when another is beside it in the batch, as BatchNorm "
            "without running statistics does; each image has to be computed by itself"
        )


def _all_same(a: tuple[Float64, ...], b: tuple[Float64, ...]) -> bool:
    return all(_same(*both) for both in zip(a, b, strict=True))


def _same(a: Float64, b: Float64) -> bool:
    if a.shape != b.shape:
        return False
    # `Own.objection` reports NaN and Inf.
    scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
    return bool(np.isclose(a, b, rtol=0.0, atol=_SAME * scale, equal_nan=True).all())
