"""``ssc-deploy profile``: how long exported models take where they run."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import click

from ssc_deploy.cli import options, screen
from ssc_deploy.errors import SscDeployError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ssc_deploy.profiling import ModelProfile, Profile

_EXAMPLES = """\b
ssc-deploy profile net.onnx net.tflite --threads 1,2,4 --report report.html
ssc-deploy profile net.tflite --device ssh:pi@raspberry.local
"""

#: Blocks of each model that are shown.
_SLOWEST = 5


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not of the form 1,2,4") from error


@click.command(epilog=_EXAMPLES)
@click.argument("models", metavar="MODEL...", type=options.PATH, nargs=-1, required=True)
@click.option(
    "--device", default="host", show_default=True, help="host, ssh:USER@HOST[:PORT], adb[:SERIAL] or qemu:aarch64."
)
@click.option(
    "--threads", type=_whole_numbers, metavar="1,2,4", default="1", show_default=True, help="Threads of one inference."
)
@click.option("--pin", type=_whole_numbers, metavar="CORE,...", help="Run on these cores of the device.")
@click.option("--app", type=options.PATH, metavar="FILE.apk", help="The demo app, to install on the phone for this.")
@click.option(
    "--benchmark-binary",
    type=options.PATH,
    metavar="FILE",
    help="A runtime's own benchmark program, to use on the phone instead of the demo app.",
)
@click.option("--quick", is_flag=True, help="A quick run: one or two seconds for each model.")
@click.option("--report", type=options.PATH, metavar="FILE.html", help="Write a report page.")
@click.option("--json", "saved", type=options.PATH, metavar="FILE", help="Save the profile, for ssc-deploy compare.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@options.output_format
@options.verbosity
def profile(
    *,
    models: tuple[Path, ...],
    device: str,
    threads: tuple[int, ...],
    pin: tuple[int, ...] | None,
    app: Path | None,
    benchmark_binary: Path | None,
    quick: bool,
    report: Path | None,
    saved: Path | None,
    overwrite: bool,
    form: str,
) -> None:
    """Measure exported MODELs (.onnx or .tflite) where they run.

    Several models take turns, so that they can be compared. Each is compared with its golden set first. If one gives
    wrong answers on the device, its latency is not shown, and the exit code is 1.
    """
    from ssc_deploy import golden, profiling
    from ssc_deploy.errors import OutputError
    from ssc_deploy.storage import files

    if report is not None and report == saved:
        raise click.UsageError("--report and --json name the same file; give two files")
    for path in (report, saved):
        if path is not None and path.exists() and not overwrite:
            raise OutputError(f"{path} exists already; give --overwrite to replace it, or choose another name")
        read = [file for model in models for file in (model, golden.path_beside(model))]
        if path is not None and path.resolve() in {file.resolve() for file in read}:
            raise OutputError(f"{path} is a model to profile, or its golden set; choose another name")
    with _progress() as say:
        result = profiling.profile(
            models,
            device=device,
            threads=threads,
            quick=quick,
            pin=pin,
            benchmark_binary=benchmark_binary,
            app=app,
            progress=say,
        )
    with files.together(overwrite=overwrite) as written:
        if saved is not None:
            written.add(saved, json.dumps(result.to_dict(), allow_nan=False).encode())
        if report is not None:
            from ssc_deploy.report import page

            written.add(report, page.render(result).encode())
    if form == "json":
        screen.print_json(result.to_dict())
    else:
        click.echo(_text(result))
    failures = [model.failure for model in result.models if model.failure]
    if any(failure.kind == "wrong answer" for failure in failures):
        raise click.exceptions.Exit(VerificationError.exit_code)
    if failures:
        raise click.exceptions.Exit(SscDeployError.exit_code)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Shows what the device is doing, only on a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("preparing") as status:
        yield lambda line: status.update(escape(line))


def _text(result: Profile) -> str:
    environment = result.environment
    named = (environment.device, environment.processor, environment.machine, environment.system)
    parts = [f"{result.device}: {' · '.join(part for part in named if part)}"]
    if any(model.latency for model in result.models):
        parts.append(_latencies(result))
    if result.quantized:
        from ssc_deploy.profiling.results import QUANTIZED_HEADER, quantized_rows

        parts.append(screen.table(QUANTIZED_HEADER, quantized_rows(result), right=frozenset([2, 3, 4, 5, 6])))
    if any(model.costs for model in result.models):
        parts.append(_blocks(result))
    unknown = {model.model: model.costs_note for model in result.models if model.costs_note}
    notes = (*(f"{name}, where its time goes: {note}" for name, note in unknown.items()), *result.notes)
    parts.append("\n".join((*result.decision, *(f"Note: {note}." for note in notes))))
    return "\n\n".join(parts)


def _latencies(result: Profile) -> str:
    from ssc_deploy.profiling.results import milliseconds

    header = ("model", "threads", "p50", "95 % interval", "p90", "p99", "min", "load", "first", "memory", "")
    rows: list[tuple[str, ...]] = []
    for model in result.models:
        stats, fresh = model.latency, model.fresh
        if stats is None:
            rows.append((model.model, str(model.threads), *[""] * 8, "no figures"))
            continue
        interval = f"{milliseconds(stats.p50_interval.low)} - {milliseconds(stats.p50_interval.high)}"
        quantiles = (milliseconds(stats.p90), milliseconds(stats.p99), milliseconds(stats.min))
        loading = ("", "", "")
        if fresh is not None:
            memory = "" if fresh.peak_bytes is None else f"{fresh.peak_bytes / 1e6:.0f} MB"
            loading = (milliseconds(fresh.load_ns), milliseconds(fresh.first_ns), memory)
        steady = "" if stats.steady else "not steady"
        rows.append((model.model, str(model.threads), milliseconds(stats.p50), interval, *quantiles, *loading, steady))
    return screen.table(header, rows, right=frozenset(range(1, 10)))


def _blocks(result: Profile) -> str:
    """The slowest blocks of each model, at its first number of threads."""
    rows: list[tuple[str, ...]] = []
    shown: set[str] = set()
    for model in result.models:
        if model.costs is not None and model.model not in shown:
            shown.add(model.model)
            rows += _slowest(model)
    return screen.table(("model", "slowest blocks", "time", "share", "GMAC/s"), rows, right=frozenset([2, 3, 4]))


def _slowest(model: ModelProfile) -> list[tuple[str, ...]]:
    assert model.costs is not None  # the caller looked
    slowest = sorted(model.costs.blocks, key=lambda block: -block.ns)[:_SLOWEST]
    return [
        (
            model.model if i == 0 else "",
            block.name,
            f"{block.ns / 1e6:.3f} ms",
            f"{block.share:.1%}",
            f"{block.gmac_per_s:.1f}" if block.macs else "",
        )
        for i, block in enumerate(slowest)
    ]
