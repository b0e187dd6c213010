"""Outputs of whole numbers: the place of a maximum, a class for each pixel, a mask.

Such an output is either right or wrong, and no tolerance applies to it. But where two values are equal but for
rounding, the place of the larger one is a matter of luck. So a number counts only where the network is sure of it:
where float32 and float64 agree, and where it stays as it is when the inputs are changed by a little more than rounding,

    x' = x (1 + d) + e max |x|,    d, e uniform in [-NUDGE, NUDGE].

Some places that are not sure come out alike in these few runs, so a file may differ in as many others as were found.
Where none was found it has to be equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ssc_deploy.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.runtimes import TensorSpec
    from ssc_deploy.verification.reference import Float32, Float64, Reference

#: A hundred roundings of float32: what a right file may be off by in front of such an output.
NUDGE = 1e-5

_COPIES = 4

#: Of the numbers of an output, that may be unsure.
_MOST = 0.1

Sure = npt.NDArray[np.bool_]


def sure(
    reference: Reference,
    x: Examples,
    specs: Sequence[TensorSpec],
    exact: Sequence[Float64],
    float32: Sequence[Float32],
) -> list[Sure | None]:
    """Where the network is sure of its outputs of whole numbers.

    Args:
        reference: the network.
        x: its inputs.
        specs: of the file's outputs.
        exact: the outputs in float64.
        float32: the same in float32.

    Returns:
        of each output an array of its shape; None for an output of floating-point numbers.

    Raises:
        NetworkError: more than a tenth of an output is unsure, so that comparing it would mean nothing.
    """
    whole = [np.dtype(spec.dtype).kind in "iub" for spec in specs]
    if not any(whole):
        return [None] * len(whole)
    nudged = [reference.float32_outputs(_nudged(x, seed)) for seed in range(_COPIES)]
    found: list[Sure | None] = []
    for i, is_whole in enumerate(whole):
        if not is_whole:
            found.append(None)
            continue
        same = np.logical_and.reduce([float32[i] == exact[i], *(copy[i] == exact[i] for copy in nudged)])
        if same.size and (~same).mean() > _MOST:
            raise NetworkError(
                f"the output {reference.names[i]} holds whole numbers of which {(~same).mean():.0%} change when the "
                "inputs change by rounding, so that no file can be compared with it; export what it is made of, such "
                "as the scores in front of an argmax"
            )
        found.append(same)
    return found


def kept(values: npt.NDArray[Any], where: Sure | None) -> npt.NDArray[Any]:
    """The network's values that count, the others 0; all of them where nothing is unsure.

    Args:
        values: [N, ...].
        where: see `sure`.
    """
    return values if where is None else np.where(where, values, 0)


def settled(values: npt.NDArray[Any], exact: Float64, where: Sure | None) -> npt.NDArray[Any]:
    """A file's values to be compared with those of the network that `kept` left.

    Args:
        values: [N, ...], of the first N examples.
        exact: of the network, of equal shape.
        where: see `sure`; of all examples.
    """
    if where is None:
        return values
    certain = where[: len(values)]
    counted = np.where(certain, values, 0)
    # By luck alone these may be as many as the places that showed.
    return exact if (counted != exact).sum() <= (~where).sum() else counted


def _nudged(x: Examples, seed: int) -> Examples:
    random = np.random.default_rng(seed)

    def changed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        relative, absolute = random.uniform(-NUDGE, NUDGE, (2, *array.shape))
        return np.asarray(array * (1 + relative) + float(np.abs(array).max(initial=0)) * absolute, array.dtype)

    return x.floats(changed)
