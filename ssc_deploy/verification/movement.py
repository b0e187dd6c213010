"""Checks bit for bit that operators which only move data do so in the file, as its runtime runs it.

A shift, a shuffle or any other rearrangement computes nothing, so it has no tolerance. Whatever its lowering is, and
whatever the runtime makes of it, each output value must be one of the input, or zero. The sign of zeros is ignored: a
shift that is carried out as a one-hot depthwise convolution adds 0 * x, which turns -0 into +0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssc_deploy.ir import roles
from ssc_deploy.ir.rearrangement import Rearrangement
from ssc_deploy.verification import intermediate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ssc_deploy.examples import Examples
    from ssc_deploy.ir.movement import Movement
    from ssc_deploy.verification.intermediate import Inside
    from ssc_deploy.verification.reference import Float32


@dataclass(frozen=True)
class MovementSite:
    """Where a file moves data.

    Attributes:
        source: name of the tensor that is read.
        target: name of the tensor that holds the moved values.
        movement: from source to target.
        linear: name of the tensor from which a ReLU makes ``source``; None if there is no ReLU. A file may lack
            ``source``, if its ReLU also leaves out what the movement does not read. Then ``max(linear, 0)`` is moved.
        size: (H, W) of the feature maps. A file may hold them as planes, whose shape does not show it.
    """

    source: str
    target: str
    movement: Movement | Rearrangement
    linear: str | None = None
    size: tuple[int, int] | None = None

    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """(C, H, W) of the input and of the output; None if they are not known."""
        if isinstance(self.movement, Rearrangement):
            return self.movement.in_shape, self.movement.indices.shape
        if self.size is None:
            return None
        return (self.movement.in_channels, *self.size), (self.movement.out_channels, *self.size)

    def start(self, names: Collection[str]) -> str:
        """Where the movement starts in a file that has tensors of these names.

        That is ``source``, or else what the movement reads of it (`roles.kept`), or else ``linear``.
        """
        if self.source not in names and roles.kept(self.source) in names:
            return roles.kept(self.source)
        if self.linear is not None and self.linear in names and self.source not in names:
            return self.linear
        return self.source


@dataclass(frozen=True)
class MovementReport:
    """How many of a file's shifts and shuffles are exact.

    Attributes:
        total: number of places where the network moves data.
        checked: number of places that were compared.
        exact: number of places where every value is right.
        first_failure: a sentence about the first wrong one; None if all are exact.
    """

    total: int
    checked: int
    exact: int
    first_failure: str | None

    @property
    def ok(self) -> bool:
        """Whether all are exact."""
        return self.exact == self.checked

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        """In short: ``9 movements bit-exact``."""
        if self.exact == self.total:
            return f"{self.total} movement{'s' * (self.total != 1)} bit-exact"
        if self.exact == self.checked:
            return f"{self.exact} of {self.total} movements found and bit-exact"
        return f"{self.exact} of {self.checked} movements bit-exact"


def check(
    file: Inside, sites: Sequence[MovementSite], x: Examples, batch: int | None = None, *, complete: bool = True
) -> MovementReport:
    """Compares both ends of every movement in the file.

    Args:
        file: that is to have them.
        sites: in order of execution.
        x: few examples: the values at all sites are in memory at once.
        batch: images at once, where the file takes any number.
        complete: whether a missing tensor is a failure. Files of other programs have other tensors. For these, only the
            movements are checked of which the file has both ends.
    """
    # The first step of a network may move its input.
    there = file.names | file.input_names
    wanted = {name for site in sites for name in (site.start(there), site.target)} & there
    checked = [site for site in sites if complete or {site.start(there), site.target} <= there]
    values = intermediate.Opened(file, wanted, batch).values(x) if checked else {}
    if not x.rows:  # each value is that of a whole run
        values = {name: value[0] for name, value in values.items()}
    failures = [failure for site in checked if (failure := _failure(site, values))]
    exact = len(checked) - len(failures)
    return MovementReport(len(sites), len(checked), exact, failures[0] if failures else None)


def _as_images(value: Float32, shape: tuple[int, ...]) -> Float32:
    """The value as images of ``shape`` (C, H, W), where it holds the planes of one or more."""
    return intermediate.as_picture(value, (value.size // math.prod(shape), *shape))


def _failure(site: MovementSite, values: dict[str, Float32]) -> str | None:
    """What is wrong at the site, as a sentence."""
    start = site.start(values)
    for name in (start, site.target):
        if name not in values:
            return f"the file has no tensor {name}, so the movement into {site.target} cannot be checked"
    source, target = values[start], values[site.target]
    if (shapes := site.shapes()) is not None:
        source, target = (_as_images(value, shape) for value, shape in zip((source, target), shapes, strict=True))
    if start == site.linear:
        source = np.maximum(source, 0)
    if source.ndim != 4 or source.shape[1] != site.movement.in_channels:
        return f"{start} is {list(source.shape)}, but {site.movement.in_channels} channels move from it"
    expected = site.movement(source)
    if expected.shape != target.shape:
        return f"{site.target} is {list(target.shape)} instead of {list(expected.shape)}"
    wrong = np.argwhere(~(expected == target))
    if not len(wrong):
        return None
    n, c, row, column = (int(i) for i in wrong[0])
    return (
        f"{site.target} differs from {start} moved in {len(wrong)} of {target.size} values; the first is "
        f"channel {c} at row {row}, column {column}, which should be {site.movement.origin(c, row, column)}: "
        f"{float(expected[n, c, row, column])!r}, and is {float(target[n, c, row, column])!r}"
    )
