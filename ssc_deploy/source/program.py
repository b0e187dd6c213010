"""A program of ``torch.export`` as a module.

Its shapes and its mode are those of its export: what was exported in training mode stays so, and a batch is as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from ssc_deploy.errors import NetworkError
from ssc_deploy.signature import Tensor
from ssc_deploy.source.inputs import DTYPES

if TYPE_CHECKING:
    from pathlib import Path


class Program(nn.Module):
    """The program, with the methods of a module that a network needs.

    Args:
        program: it is left as it is.
    """

    def __init__(self, program: torch.export.ExportedProgram) -> None:
        super().__init__()
        self.program = program.module(check_guards=False)
        # They compare shapes and dtypes with those of the export. Verification runs it in float64.
        self.program._forward_pre_hooks.clear()
        self.inputs = _inputs(program)

    def forward(self, *given: torch.Tensor) -> Any:
        """Runs it."""
        return self.program(*given)

    def train(self, _mode: bool = True) -> Self:
        """Does nothing: a graph has no modes."""
        return self


def load(path: Path) -> Program:
    """Loads a file of ``torch.export.save``. This runs what the file says, so only a file that is trusted may be given.

    Raises:
        NetworkError: it cannot be loaded.
    """
    if not path.is_file():
        raise NetworkError(f"`model`: there is no file {path}.")
    try:
        return Program(torch.export.load(path))
    except NetworkError:
        raise
    except Exception as error:
        raise NetworkError(
            f"{path} cannot be loaded by torch.export.load of PyTorch {torch.__version__}: "
            f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        ) from error


def _inputs(program: torch.export.ExportedProgram) -> tuple[Tensor, ...]:
    """As the program was exported with; empty if it does not tell."""
    args, kwargs = program.example_inputs or ((), {})
    if kwargs:
        raise NetworkError("the program takes arguments by keyword; export it with tensors given by position.")
    if not all(isinstance(one, torch.Tensor) for one in args):
        raise NetworkError("the program takes something else than tensors; export a module that takes tensors alone.")
    names = [f"input_{i}" if i else "input" for i in range(len(args))]
    tensors = tuple(
        Tensor(name, tuple(one.shape), str(one.dtype).removeprefix("torch."))
        for name, one in zip(names, args, strict=True)
    )
    unknown = next((one.dtype for one in tensors if one.dtype not in DTYPES), None)
    if unknown is not None:
        raise NetworkError(f"the program takes {unknown}; files take {', '.join(DTYPES)}: export it for one of these.")
    return tensors
