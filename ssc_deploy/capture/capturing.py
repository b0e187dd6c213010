"""From a PyTorch module, or another exporter's file, to ONNX as written: an ``onnx_ir.Model`` with static shapes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.capture.quiet import quiet
from ssc_deploy.capture.user_line import reason
from ssc_deploy.errors import USER_ERRORS, CaptureError

if TYPE_CHECKING:
    from pathlib import Path

    import onnx_ir as ir
    from torch import nn

    from ssc_deploy.capture.modules import ProbedModule

#: What the exporter writes without converting; emission goes to the user's opset.
_OPSET = 21


@dataclass(frozen=True)
class Capture:
    """A captured network.

    Attributes:
        model: ONNX as written, every node marked with its module.
        probed: modules that were recognised as data movement before the export.
    """

    model: ir.Model
    probed: tuple[ProbedModule, ...]


def capture(module: nn.Module, input_shape: tuple[int, int, int, int], *, only_look: bool = False) -> Capture:
    """Exports the module for pictures of one shape, float32.

    Args:
        module: in eval mode. Its submodules that only move data are replaced while this runs, and put back.
        input_shape: [N, C, H, W].
        only_look: see `hazards.check`.

    Raises:
        CaptureError: the module fails on such a picture, returns something else than one tensor, or does what
            ``torch.export`` cannot follow; the sentence says what and where.
    """
    import torch

    from ssc_deploy.capture import hazards, marks, modules

    picture = torch.zeros(input_shape)
    name = type(module).__name__
    try:
        calls = modules.observe(module, picture)
    except USER_ERRORS as error:
        raise CaptureError(
            f"{name} fails on a picture of shape {list(input_shape)}: {reason(error)}; "
            "give the shape that it takes with `input_shape`"
        ) from error
    if calls.count[""] != 1:
        raise CaptureError(f"{name} returns something else than one tensor; wrap it in a module that returns one")
    uses_data = hazards.check(module, input_shape, only_look=only_look)
    probed = modules.probe(module, calls)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(modules.replaced(module, probed))
            stack.enter_context(quiet())
            if uses_data:
                stack.enter_context(hazards.weights_kept(module))
            program = torch.onnx.export(
                module, (picture,), dynamo=True, optimize=False, opset_version=_OPSET, verbose=False
            )
    except torch.onnx.OnnxExporterError as error:
        cause = _root(error)
        raise CaptureError(f"torch.export cannot capture {name}: {reason(cause)}; {_advice(cause)}") from error
    assert program is not None  # None is for the exporter of old, which writes to a file
    model = program.model
    leaves = frozenset(path for path, child in module.named_modules() if next(child.children(), None) is None)
    marks.mark_modules(model.graph, calls.count, leaves)
    return Capture(model, probed)


def read_onnx(path: Path, input_shape: tuple[int, int, int, int]) -> Capture:
    """Reads another exporter's file as if it had been captured; see `onnx_source.read`."""
    from ssc_deploy.capture import onnx_source

    return Capture(onnx_source.read(path, input_shape), ())


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _advice(cause: BaseException) -> str:
    text = f"{type(cause).__name__}: {cause}"
    if "DataDependent" in text or "data-dependent" in text:
        return "what it does there depends on the picture's values: write it without, for example with torch.where"
    if "No ONNX function found" in text or "fake impl" in text:
        return "this operator has no translation into ONNX: compute the same with other operators of PyTorch"
    if "compatible OpOverload" in text:
        return (
            "the exporter takes whole numbers there, or floats, not both: write 0.0 beside 0.5, as in clamp(0.0, 0.5)"
        )
    return "control flow that depends on values, and operators without a translation, have to be written otherwise"
