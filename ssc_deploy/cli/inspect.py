"""``ssc-deploy inspect``: layers, costs, and what each stage recognised and refused."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import click

from ssc_deploy.cli import options, screen

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.inspection import Inspection, Layer, StageReport

_ROOT = "(root)"


_EXAMPLES = """\b
ssc-deploy inspect ssc_6_9.pt
ssc-deploy inspect ssc_6_9.pt --stage lower --target litert
ssc-deploy inspect --operators
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=options.PATH, required=False)
@click.option("--ckpt", type=options.PATH, help="The same as FILE; the other commands have this option.")
@click.option("--stage", type=click.Choice(options.STAGES), help="[default: file for .onnx and .tflite, else rewrite]")
@click.option(
    "--target",
    type=click.Choice(options.TARGETS),
    default="onnxruntime",
    show_default=True,
    help="Runtime of --stage lower.",
)
@click.option("--operators", is_flag=True, help="Only list the operators that each format supports.")
@options.network
@options.output_format
@options.verbosity
def inspect(
    *, file: Path | None, ckpt: Path | None, stage: str | None, target: str, operators: bool, form: str, **network: Any
) -> None:
    """Show layers, costs, and what each stage recognised and refused.

    FILE is a checkpoint, an .onnx or a .tflite file. MACs are multiply-accumulates for one image. For an
    operator that only moves data, the bytes that it writes are shown instead.
    """
    import ssc_deploy

    if operators:
        if file is not None or ckpt is not None or stage is not None or any(network.values()):
            raise click.UsageError("--operators is about the formats, not about a network; give it alone")
        _print_operators(form)
        return
    if file is not None and ckpt is not None:
        raise click.UsageError("FILE and --ckpt are the same thing; give one of them")
    file = file or ckpt
    if file is None and not network["model"] and not network["arch"]:
        raise click.UsageError("name what to inspect: FILE, --model FILE.py:NAME or --arch NAME")
    inspection = ssc_deploy.inspect(file, stage=stage, target=target, **network)
    if form == "json":
        screen.print_json(inspection.to_dict())
    else:
        click.echo(_text(inspection))


def _print_operators(form: str) -> None:
    from ssc_deploy.inspection.operators import operators

    found = operators()
    if form == "json":
        screen.print_json(found.to_dict())
        return
    rows: list[tuple[str, ...]] = [
        (one.name, (one.tflite or "no").replace("`", ""), found.onnx(one)) for one in found.operators
    ]
    click.echo(screen.table(("operator", ".tflite", ".onnx"), rows))


def _text(inspection: Inspection) -> str:
    header = inspection.name + (f"  {inspection.file}" if inspection.file else "")
    stages = "\n".join(_stage(report) for report in inspection.stages)
    return "\n\n".join([header, stages, _layers(inspection), _totals(inspection)])


def _stage(report: StageReport) -> str:
    """The stage's line, followed by one line for each kind of finding."""
    lines = [screen.stage_line(report.stage, report.summary)]
    for verdict, findings in (("", report.recognised), ("refused: ", report.refused)):
        blocks: dict[tuple[str, str], list[str | None]] = {}
        for finding in findings:
            blocks.setdefault((finding.what, finding.detail), []).append(finding.block)
        for (what, detail), where in blocks.items():
            places = ", ".join(dict.fromkeys(block or _ROOT for block in where if block is not None))
            text = f"{verdict}{what}: {detail}" + (f" · {places}" if places else "")
            lines.extend(screen.indented(text))
    return "\n".join(lines)


def _layers(inspection: Inspection) -> str:
    """One row for each layer, below a row with the sums of its block."""
    rows = []
    for block, group in itertools.groupby(inspection.layers, lambda layer: _outer(layer.block)):
        layers = list(group)
        if len(layers) == 1 and layers[0].block == block:
            rows.append((block or _ROOT, *_cells(layers[0])))
            continue
        sums = (sum(layer.parameters for layer in layers), sum(layer.macs or 0 for layer in layers))
        rows.append((block or _ROOT, "", "", *(f"{number:,}" if number else "" for number in sums)))
        before = None
        for layer in layers:
            inner = layer.block[len(block) :].lstrip(".")
            rows.append((f"  {inner}" if inner != before else "", *_cells(layer)))
            before = inner
    return screen.table(("block", "operator", "output", "weights", "MACs"), rows, right=frozenset([3, 4]))


def _outer(block: str) -> str:
    """The block that a module belongs to: up to its first number (``body.0``), else the outermost module."""
    parts = block.split(".")
    numbered = next((i for i, part in enumerate(parts) if part.isdecimal()), 0)
    return ".".join(parts[: numbered + 1])


def _cells(layer: Layer) -> tuple[str, ...]:
    shape = "?" if layer.shape is None else "x".join(map(str, layer.shape[1:] or layer.shape))
    operator = f"{layer.operator} {layer.detail}".rstrip() + (f" · {layer.role}" if layer.role else "")
    cost = "?" if layer.macs is None else f"{layer.macs:,}" if layer.macs else ""
    if layer.moved_bytes:
        cost = f"{layer.moved_bytes:,} B"
    return operator, shape, f"{layer.parameters:,}" if layer.parameters else "", cost


def _totals(inspection: Inspection) -> str:
    operators = ", ".join(f"{name} {count}" for name, count in inspection.operators.items())
    facts = [
        f"{len(inspection.layers)} operators",
        f"{inspection.parameters:,} parameters",
        f"{inspection.macs:,} MACs",
    ]
    if inspection.moved_bytes:
        facts.append(f"{inspection.moved_bytes:,} bytes moved")
    return "\n".join([screen.stage_line("total", " · ".join(facts)), *screen.indented(operators)])
