"""From a PyTorch module, or another exporter's file, to ONNX as written: an ``onnx_ir.Model`` with static shapes."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_deploy.capture.quiet import quiet
from ssc_deploy.capture.user_line import reason
from ssc_deploy.errors import USER_ERRORS, CaptureError
from ssc_deploy.ir import ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import onnx_ir as ir
    import torch
    from torch import nn

    from ssc_deploy.capture.modules import ProbedModule
    from ssc_deploy.signature import Signature

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


def capture(module: nn.Module, signature: Signature, *, only_look: bool = False) -> Capture:
    """Exports the module for inputs of one shape.

    Args:
        module: in eval mode. Its submodules that only move data are replaced while this runs, and put back.
        signature: of the module.
        only_look: see `hazards.check`.

    Raises:
        CaptureError: the module fails on such inputs, or does what ``torch.export`` cannot follow; the sentence says
            what and where.
    """
    import torch

    from ssc_deploy.capture import hazards, marks, modules, translations
    from ssc_deploy.source import trial

    given = trial.zeros(signature.inputs)
    name = type(module).__name__
    try:
        calls = modules.observe(module, given)
    except USER_ERRORS as error:
        shapes = " and ".join(str(list(tensor.shape)) for tensor in given)
        raise CaptureError(
            f"{name} fails on an image of shape {shapes}: {reason(error)}; "
            "give the shape that it takes with `input_shape`"
        ) from error
    uses_data = hazards.check(module, trial.noise(signature.inputs), only_look=only_look)
    probed = modules.probe(module, calls)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(modules.replaced(module, probed))
            stack.enter_context(_returning(module, signature.names))
            stack.enter_context(quiet())
            if uses_data:
                stack.enter_context(hazards.weights_kept(module))
            program = torch.onnx.export(
                module,
                tuple(given),
                dynamo=True,
                optimize=False,
                opset_version=_OPSET,
                verbose=False,
                custom_translation_table=translations.table(),
            )
    except torch.onnx.OnnxExporterError as error:
        cause = _root(error)
        raise CaptureError(f"torch.export cannot capture {name}: {reason(cause)}; {_advice(cause)}") from error
    assert program is not None  # None is for the exporter of old, which writes to a file
    model = program.model
    _note_ports(model, signature)
    leaves = frozenset(path for path, child in module.named_modules() if next(child.children(), None) is None)
    marks.mark_modules(model.graph, calls.count, leaves)
    return Capture(model, probed)


def read_onnx(path: Path, signature: Signature) -> Capture:
    """Reads another exporter's file as if it had been captured; see `onnx_source.read`."""
    from ssc_deploy.capture import onnx_source

    model = onnx_source.read(path, signature)
    _note_ports(model, signature)
    return Capture(model, ())


def _note_ports(model: ir.Model, signature: Signature) -> None:
    """Notes the names of inputs and outputs, and gives each output a value of its own.

    A network may return what it is given, or one tensor under two names.
    """
    import onnx_ir as ir

    graph = model.graph
    for place, value in enumerate(graph.outputs):
        if value.is_graph_input() or value in graph.outputs[:place]:
            node = ir.node("Identity", [value])
            node.outputs[0].type, node.outputs[0].shape = value.type, value.shape
            graph.append(node)
            graph.outputs[place] = node.outputs[0]
    ports.note(model, [tensor.name for tensor in signature.inputs], signature.names)


@contextlib.contextmanager
def _returning(module: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """While it lasts, the module returns its outputs of these names as a tuple, whatever its forward returns.

    An attribute of the instance stands before the method of its class, and the paths of the modules stay as they are.
    """
    from ssc_deploy.source import returned

    forward = module.forward

    @functools.wraps(forward)
    def flat(*args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
        return tuple(returned.tensors(forward(*args, **kwargs), type(module).__name__, names).values())

    own = "forward" in vars(module)
    module.forward = flat  # put back below
    try:
        yield
    finally:
        if own:
            module.forward = forward
        else:
            del module.forward


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _advice(cause: BaseException) -> str:
    text = f"{type(cause).__name__}: {cause}"
    if "DataDependent" in text or "data-dependent" in text:
        return "what it does there depends on the image's values: write it without, for example with torch.where"
    if "No ONNX function found" in text or "fake impl" in text:
        return "this operator has no translation into ONNX: compute the same with other operators of PyTorch"
    if "compatible OpOverload" in text:
        return (
            "the exporter takes whole numbers there, or floats, not both: write 0.0 beside 0.5, as in clamp(0.0, 0.5)"
        )
    return "control flow that depends on values, and operators without a translation, have to be written otherwise"
