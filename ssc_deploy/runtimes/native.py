"""The C engine: packages of ``export --to c``, pictures as NCHW, compiled by the host's compiler."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import RuntimeLoadError
from ssc_deploy.native import package
from ssc_deploy.native.library import Engine
from ssc_deploy.runtimes.files import check_inputs, parse_metadata, refused
from ssc_deploy.runtimes.protocol import Model, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.native.plan import Plan, Tensor


class Native:
    """The runtime for packages; see `ssc_deploy.runtimes.protocol.Runtime`."""

    name = "native"
    title = "C engine"
    image_layout = "NCHW"

    @property
    def version(self) -> str:
        """That of this program: the engine is a part of it."""
        from ssc_deploy.runtimes.files import installed_version

        return installed_version("ssc-deploy")

    def load(self, model: Model, *, threads: int = 1, taps: Sequence[str] = ()) -> NativeRunner:
        """Loads a package; one thread runs it."""
        _, plan = _read(model)
        return NativeRunner(plan, _tapped(model, plan, taps))

    def tensors(self, model: Model) -> dict[str, TensorSpec]:
        """The values that a run holds, in the order of execution; others are computed together with these."""
        _, plan = _read(model)
        return {tensor.name: _spec(tensor) for tensor in (*plan.inputs, *plan.tensors, *plan.outputs)}

    def tapped(self, model: Model, taps: Sequence[str]) -> bytes:
        """No copy is needed: `load` reads taps from the arena."""
        raise refused(model, "a package of the C engine has no copy with more outputs")

    def metadata(self, model: Model) -> ModelMetadata | None:
        """What the exporter stored beside the plan."""
        contents, _ = _read(model)
        return parse_metadata(model, contents.metadata)


class NativeRunner:
    """A loaded package.

    Args:
        plan: what runs.
        taps: tensors whose values are returned after the outputs.
    """

    def __init__(self, plan: Plan, taps: Sequence[Tensor] = ()) -> None:
        self._engine, self._taps = Engine(plan), tuple(taps)
        self.inputs = tuple(map(_spec, plan.inputs))
        self.outputs = tuple(map(_spec, (*plan.outputs, *taps)))

    def run(self, inputs: Sequence[npt.NDArray[np.generic]]) -> list[npt.NDArray[Any]]:
        """Runs the package once; see `ssc_deploy.runtimes.protocol.Runner`."""
        check_inputs(self.inputs, inputs)
        return [*self._engine.run(inputs, self._taps)]


def _read(model: Model) -> tuple[package.Contents, Plan]:
    if isinstance(model, bytes):
        raise RuntimeLoadError("a package of the C engine is a folder; give its path")
    return _cached(model, _stamp(model))


@functools.lru_cache(maxsize=4)
def _cached(path: Path, _stamp: tuple[int, ...]) -> tuple[package.Contents, Plan]:
    return package.read(path)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file of the package does."""
    try:
        found = [one.stat() for one in sorted(path.iterdir())]
    except OSError:
        return ()
    return tuple(number for stat in found for number in (stat.st_ino, stat.st_size, stat.st_mtime_ns))


def _tapped(model: Model, plan: Plan, taps: Sequence[str]) -> list[Tensor]:
    known = {tensor.name: tensor for tensor in (*plan.outputs, *plan.tensors)}
    for name in taps:
        if name not in known:
            raise refused(model, f"it has no tensor {name!r} to look at")
    return [known[name] for name in taps]


def _spec(tensor: Tensor) -> TensorSpec:
    return TensorSpec(tensor.name, tensor.shape, "float32")
