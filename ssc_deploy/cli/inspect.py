"""``ssc-deploy inspect``: layers, costs, and what each stage recognised and refused."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import click

from ssc_deploy.cli import bars, options, screen

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.inspection import Inspection, Layer, StageReport
    from ssc_deploy.quantize.plan import Quantization
    from ssc_deploy.quantize.sensitivity import Sensitivity

_ROOT = "(root)"


_EXAMPLES = """\b
ssc-deploy inspect ssc_6_9.pt
ssc-deploy inspect ssc_6_9.pt --stage lower --target litert
ssc-deploy inspect ssc_6_9.pt --quantize int8 --calibration train.zip
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
@options.quantization("calibration", "images", "method", "improve", "accuracy", "exclude", "safe_for")
@click.option("--mean", type=options.numbers, metavar="R,G,B", help="With --std, if the network does not have them.")
@click.option("--std", type=options.numbers, metavar="R,G,B", help="Input = (pixel / 255 - mean) / std.")
@options.network
@options.output_format
@options.verbosity
def inspect(
    *,
    file: Path | None,
    ckpt: Path | None,
    stage: str | None,
    target: str,
    operators: bool,
    quantize: Quantization | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    form: str,
    **network: Any,
) -> None:
    """Show layers, costs, and what each stage recognised and refused.

    FILE is a checkpoint, an .onnx or a .tflite file. MACs are multiply-accumulates for one image. For an
    operator that only moves data, the bytes that it writes are shown instead.

    With --quantize int8, each block is quantised alone, all others stay in float32, and the table tells the noise of
    the outputs (SQNR), the worst block first, and the accuracy on images of known classes.
    """
    import ssc_deploy

    if operators:
        if file is not None or ckpt is not None or stage is not None or quantize or any(network.values()):
            raise click.UsageError("--operators is about the formats, not about a network; give it alone")
        _print_operators(form)
        return
    if quantize is None and (mean or std):
        raise click.UsageError("--mean and --std say how calibration images become the input; give --quantize as well")
    if file is not None and ckpt is not None:
        raise click.UsageError("FILE and --ckpt are the same thing; give one of them")
    file = file or ckpt
    if file is None and not network["model"] and not network["arch"]:
        raise click.UsageError("name what to inspect: FILE, --model FILE.py:NAME or --arch NAME")
    with bars.Bars() as progress:
        inspection = ssc_deploy.inspect(
            file,
            stage=stage,
            target=target,
            preprocessing=options.preprocessing(mean, std),
            quantize=quantize,
            progress=lambda done, total: progress.show("blocks", done, total),
            **network,
        )
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
    if inspection.sensitivity is not None and inspection.quantization is not None:
        quantized = [screen.stage_line("quantize", str(inspection.quantization))]
        quantized += [line for note in inspection.quantization.notes for line in screen.indented(f"note: {note}")]
        return "\n\n".join([header, "\n".join([stages, *quantized]), _sensitivity(inspection.sensitivity)])
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


def _sensitivity(found: Sensitivity) -> str:
    """The blocks, worst first, below them the whole network, and what was measured."""

    def row(name: str, decibels: float | None, top1: float | None) -> tuple[str, ...]:
        noise = "" if decibels is None else "exact" if math.isinf(decibels) else f"{decibels:.1f} dB"
        if top1 is None or found.float_top1 is None:
            return name, noise, "", ""
        change = "" if decibels is None else f"{100 * (top1 - found.float_top1):+.1f}"
        return name, noise, f"{100 * top1:.1f} %", change

    rows: list[tuple[str, ...]] = [row(one.block, one.sqnr, one.top1) for one in found.worst_first]
    rows += [row("all blocks", found.sqnr, found.top1), row("float32", None, found.float_top1)]
    labelled = found.float_top1 is not None
    measured = f"SQNR on {found.images} images"
    measured += f" · top-1 on {found.labelled:,} images" if labelled else " · no images of known classes"
    shown = 4 if labelled else 2
    header: tuple[str, ...] = ("quantised alone", "SQNR", "top-1", "change")
    table = screen.table(header[:shown], [one[:shown] for one in rows], right=frozenset([1, 2, 3]))
    return f"{table}\n\n{measured}"


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
