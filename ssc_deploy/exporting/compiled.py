"""The check that a C package, compiled by the host's compiler, gives the bytes that were verified."""

from __future__ import annotations

import ctypes
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ssc_deploy.emit.c import sources
from ssc_deploy.errors import VerificationError
from ssc_deploy.native import compiling, package
from ssc_deploy.native.library import Engine

_FLOATS = ctypes.POINTER(ctypes.c_float)


def check(path: Path) -> str:
    """Compiles the sources of a package and compares their outputs with those of its plan, byte by byte.

    Args:
        path: of a package that this program has just made.

    Returns:
        a line about it.

    Raises:
        VerificationError: they differ.
        RuntimeLoadError: the compiler fails.
    """
    contents, plan = package.read(path)
    name = sources.identifier(contents.stem)
    command = compiling.compiler()
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(tensor.shape, np.float32) for tensor in plan.inputs]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "network.so"
        compiling.compile_library([path / f"{contents.stem}.c", compiling.library()], made, command)
        library = ctypes.CDLL(str(made))
        outputs = [np.empty(tensor.shape, np.float32) for tensor in plan.outputs]
        arena = np.empty(max(plan.arena, 1), np.float32)
        getattr(library, f"{name}_run")(*map(_pointer, (plan.weights, *inputs, *outputs, arena)))
    for tensor, found, wanted in zip(plan.outputs, outputs, Engine(plan).run(inputs), strict=True):
        if found.tobytes() != wanted.tobytes():
            raise VerificationError(
                f"{path.name} was not written: compiled by {command[0]}, its output {tensor.name} has other bytes than "
                "the plan that was verified"
            )
    return f"{Path(command[0]).name} compiles it, and its outputs have the bytes that were verified"


def _pointer(array: Any) -> Any:
    return array.ctypes.data_as(_FLOATS)
