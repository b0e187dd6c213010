"""How an export wants its movements and dense products carried out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.errors import LoweringError, RecipeError
from ssc_deploy.lower.target import Target

if TYPE_CHECKING:
    from ssc_deploy.lower.recipe import Recipe


@dataclass(frozen=True)
class LoweringOptions:
    """What can be chosen.

    Attributes:
        shift: name of a lowering in `registries.SHIFTS` for every shift, or ``auto``: the fastest measured for each.
        shuffle: name of a lowering in `registries.SHUFFLES` for every shuffle, or ``auto``.
        dense: name of a lowering in `registries.DENSE`, for LiteRT, for every dense product that it changes, or
            ``auto``.
        batch: images at a time, at least 1; None for any number (dimension ``batch`` of the inputs).
        layout: of `Layout`, for LiteRT: how feature maps are held; or ``auto``: the fastest on ``runtime``.
        runtime: of `Runtime`, for LiteRT: what the file is to be fast on; None for all of them.
        quantized: whether the graph is computed in integers, for which another way may be the fastest.
        any_size: whether the graph is to be one for images of any size, so that no way may be taken that depends on it.
        recipe: says it for each of them, in place of ``shift``, ``shuffle`` and ``dense``, and the layout.

    Raises:
        LoweringError: a batch below 1.
        RecipeError: a recipe beside what it says already.
    """

    shift: str = "auto"
    shuffle: str = "auto"
    dense: str = "auto"
    batch: int | None = 1
    layout: str = "auto"
    runtime: str | None = None
    recipe: Recipe | None = None
    quantized: bool = False
    any_size: bool = False

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise LoweringError(f"a batch of {self.batch} images is impossible; give a number from 1 on, or dynamic")
        if self.recipe is not None and dataclasses.replace(self, recipe=None) != LoweringOptions(
            batch=self.batch, quantized=self.quantized, any_size=self.any_size
        ):
            raise RecipeError(
                "a recipe says how everything is carried out; leave `shift`, `shuffle`, `dense`, `layout` "
                "and `runtime` out"
            )

    @property
    def for_litert_only(self) -> bool:
        """Whether it says something that only a TFLite file can follow."""
        return self != self.of(Target.ONNXRUNTIME)

    def of(self, target: Target) -> LoweringOptions:
        """What of it holds for a target: layout, dense and runtime are for LiteRT only; the C engine has one way."""
        if target is Target.LITERT:
            return self
        if target is Target.NATIVE:
            return LoweringOptions(batch=self.batch, quantized=self.quantized, any_size=self.any_size)
        return dataclasses.replace(self, dense="auto", layout="auto", runtime=None)
