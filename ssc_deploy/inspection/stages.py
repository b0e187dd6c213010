"""Goes through the stages of the pipeline up to the one that is wanted, and notes what each did."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ssc_deploy import lower, rewrite
from ssc_deploy.capture.user_line import line_of
from ssc_deploy.errors import LoweringError, SscDeployError
from ssc_deploy.exporting import describing, stages
from ssc_deploy.inspection import graph_layers
from ssc_deploy.inspection.report import Finding, Inspection, Stage, StageReport
from ssc_deploy.ir import canonical, roles
from ssc_deploy.ir import graph as g
from ssc_deploy.rewrite.report import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx_ir as ir

    from ssc_deploy.capture import Capture
    from ssc_deploy.inspection.report import Layer
    from ssc_deploy.ir import movement as mv
    from ssc_deploy.source import Source

_log = logging.getLogger(__name__)


def inspect(source: Source, stage: Stage, target: str) -> Inspection:
    """Goes as far as ``stage``.

    Raises:
        SscDeployError: a stage fails, the target is unknown, or the source has no such stage.
    """
    if target not in set(lower.Target):
        raise LoweringError(f"there is no target {target!r}; choose one of {', '.join(lower.Target)}")
    reports, layers = zip(*_steps(source, stage, lower.Target(target)), strict=True)
    return Inspection(
        name=source.name,
        file=str(source.path) if source.path else None,
        stage=stage,
        target=target if stage is Stage.LOWER else None,
        parameters=parameters_of(source, layers[-1]),
        layers=layers[-1],
        stages=reports,
    )


def _steps(source: Source, last: Stage, target: lower.Target) -> Iterator[tuple[StageReport, tuple[Layer, ...]]]:
    """The report and the layers of each stage; only those of the last are made."""
    report = StageReport(Stage.CHECKPOINT, describing.source(source), _origins(source))
    yield report, _modules(source) if last is Stage.CHECKPOINT else ()
    if last is Stage.CHECKPOINT:
        return
    captured = stages.captured_from(source, only_look=True)
    graph = captured.model
    yield _captured(captured), graph_layers.layers_of(graph) if last is Stage.CAPTURE else ()
    if last is Stage.CAPTURE:
        return
    rewritten = rewrite.rewrite(graph, check=_log.isEnabledFor(logging.DEBUG))
    yield _rewritten(graph, rewritten), graph_layers.layers_of(graph) if last is Stage.REWRITE else ()
    if last is Stage.REWRITE:
        return
    lowered = lower.lower(graph, target)
    yield _lowered(graph, lowered), graph_layers.layers_of(lowered.model)


def parameters_of(source: Source, layers: tuple[Layer, ...]) -> int:
    """Numbers in a network's weights as it was trained; of a graph those of its layers."""
    if source.module is None:
        return sum(layer.parameters for layer in layers)
    return sum(p.numel() for p in source.module.parameters())


def _modules(source: Source) -> tuple[Layer, ...]:
    if source.module is None:
        raise SscDeployError(
            f"{source.path} holds a graph, not a PyTorch network; give `stage='file'` or `stage='capture'`"
        )
    from ssc_deploy.inspection import module_layers
    from ssc_deploy.source import trial

    return module_layers.layers_of(source.module, trial.zeros(source.signature.inputs))


def _origins(source: Source) -> tuple[Finding, ...]:
    """What the checkpoint and its card said."""
    found = []
    if source.weights is not None and source.weights.entry:
        found.append(Finding(None, "state dict", f"under {source.weights.entry!r} in the file"))
    if source.card:
        found.append(Finding(None, "card", str(source.card.path)))
    if source.labels:
        found.append(Finding(None, "labels", ", ".join(source.labels)))
    if source.preprocessing:
        p = source.preprocessing
        found.append(Finding(None, "preprocessing", f"{p.colour}, mean {list(p.mean)}, std {list(p.std)}"))
    return tuple(found)


def _captured(captured: Capture) -> StageReport:
    probed = tuple(Finding(p.path, _kind(p.movement), f"module {p.kind}, {_size(p.movement)}") for p in captured.probed)
    return StageReport(Stage.CAPTURE, describing.capture(captured), probed)


def _rewritten(graph: ir.Model, report: rewrite.RewriteReport) -> StageReport:
    refused = tuple(
        Finding(r.block, f"{r.looked_for} of {counted(r.steps, 'node')}", r.reason) for r in report.refusals
    )
    return StageReport(Stage.REWRITE, str(report), tuple(_roles(graph.graph)), refused)


def _roles(graph: ir.Graph) -> Iterator[Finding]:
    for node in graph:
        role, movement = roles.role(node), canonical.movement_of(node)
        if role is not None:
            groups = f"{g.integer(node, 'group', 1)} groups"
            detail = _size(movement) if movement else groups if role is roles.Role.GROUP_POINTWISE else node.op_type
            yield Finding(roles.block(node), role.value, detail)


def _lowered(graph: ir.Model, lowered: lower.Lowered) -> StageReport:
    """What was chosen; of the other ways those that are not possible, and all operators that no file can hold."""
    report = lowered.report
    chosen = tuple(Finding(c.block, c.role.value, c.lowering) for c in report.choices)
    refused = []
    if report.target is lower.Target.NATIVE:
        from ssc_deploy.lower import native

        refused = [
            Finding(roles.block(one.node), f"{one.node.op_type} in C", one.reason + line_of(one.node))
            for one in native.refused(lowered.model)
        ]
        return StageReport(Stage.LOWER, f"{report.target.value}: {report}", chosen, tuple(refused))
    for site, role in lower.movements(graph, report.target):
        lowerings = lower.lowerings_of(role)
        for name in lowerings.names:
            reason = lowerings.get(name).refusal(site)
            if reason is not None:
                refused.append(Finding(roles.block(site.node), f"{role.value} by {name}", reason))
    if report.target is lower.Target.LITERT:
        from ssc_deploy.emit import tflite

        for error in tflite.refused(lowered.model):
            where = f"{error.reason}{line_of(error.node)}"
            refused.append(Finding(roles.block(error.node), f"{error.node.op_type} in a .tflite file", where))
    return StageReport(Stage.LOWER, f"{report.target.value}: {report}", chosen, tuple(refused))


def _kind(movement: mv.Movement) -> str:
    if movement.is_shift:
        return roles.Role.SHIFT.value
    return roles.Role.SHUFFLE.value if movement.is_permutation else "shift and shuffle"


def _size(movement: mv.Movement) -> str:
    channels = f"{movement.out_channels} channels"
    if movement.is_permutation:
        return channels
    return f"{channels}, {len(set(movement.offsets))} offsets of up to {movement.radius}"
