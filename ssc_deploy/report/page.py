"""The page of a profile: the decision first, then the measurements behind it."""

from __future__ import annotations

import base64
import datetime
import importlib.resources
import json
from typing import TYPE_CHECKING

from ssc_deploy.profiling.costs import shares_by_kind
from ssc_deploy.profiling.job import Origin
from ssc_deploy.profiling.results import QUANTIZED_HEADER, milliseconds, quantized_rows
from ssc_deploy.profiling.statistics import MARGIN
from ssc_deploy.report import svg
from ssc_deploy.report.svg import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ssc_deploy.profiling.costs import Costs, Share
    from ssc_deploy.profiling.job import Peak, Snapshot
    from ssc_deploy.profiling.results import ModelProfile, Profile

#: The page may load nothing and run nothing. The style sheet is inside the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(profile: Profile) -> str:
    """The page; every text that comes from a file or a device is escaped."""
    taken = datetime.datetime.fromtimestamp(profile.before.unix_time, datetime.UTC)
    names = ", ".join(dict.fromkeys(model.model for model in profile.models))
    style = importlib.resources.files("ssc_deploy.report").joinpath("style.css").read_text(encoding="utf-8")
    sections = [
        f"<h1>{escape(names)}</h1>",
        f'<p class="soft">{escape(_device_line(profile))} · {taken:%Y-%m-%d %H:%M} UTC</p>',
        _decision(profile),
        _latency(profile),
        *_quantized(profile),
        *_costs(profile),
        _environment(profile),
        _method(profile),
        _raw(profile),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(names)} on {escape(profile.device)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _device_line(profile: Profile) -> str:
    environment = profile.environment
    named = (environment.device, environment.processor, environment.machine)
    return f"{profile.device}: {' · '.join(part for part in named if part)}"


def _decision(profile: Profile) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in profile.decision)
    return f'<div class="decision{"" if profile.ok else " bad"}">{sentences}</div>'


def _quantized(profile: Profile) -> list[str]:
    """How files are quantised, and what that saves and costs."""
    if not profile.quantized:
        return []
    rows = [
        tuple(f"\0{escape(cell)}" if i < 2 else escape(cell) for i, cell in enumerate(row))
        for row in quantized_rows(profile)
    ]
    explained = (
        "<p>Size and time are shares of the float32 file's, of the same network and format. The SQNR and the images "
        "whose best class stays, or is the true one (top-1), are those of the golden sets.</p>"
    )
    return ["<h2>Quantised files</h2>", explained, _table(QUANTIZED_HEADER, rows)]


def _latency(profile: Profile) -> str:
    timed = [model for model in profile.models if model.latency]
    header = ("model", "threads", "p50", "95 % interval", "p90", "p95", "p99", "min", "mean", "std", "drift", "runs")
    rows = [_figures(model, len(header)) for model in profile.models]
    parts = ["<h2>Latency</h2>", _table(header, rows)]
    if timed:
        loading = ("model", "threads", "runtime", "size", "load", "first inference", "peak memory", "before loading")
        parts += [
            f"<figure>{svg.distributions(timed)}<figcaption>Kept runs of each model. Upright line: p50, with its 95 % "
            "interval on top; dashed: p90.</figcaption></figure>",
            f"<figure>{svg.over_time(timed)}<figcaption>Median of each turn in the order of the run: a slope is drift, "
            "a jump another program that ran.</figcaption></figure>",
            "<h3>Loading, each in a fresh process</h3>",
            _table(loading, [_loading(model) for model in timed]),
        ]
    if profile.comparisons:
        parts += ["<h3>Compared, turn by turn</h3>", _table(_COMPARED, _compared(profile))]
    return "".join(parts)


_COMPARED = ("model", "is", "than", "time", "95 % interval")


def _compared(profile: Profile) -> list[list[str]]:
    rows = []
    for one in profile.comparisons:
        ratio = one.ratio
        first, second = profile.models[one.first].title, profile.models[one.second].title
        interval = f"{ratio.interval.low:.3f} to {ratio.interval.high:.3f}"
        rows.append([_text(first), _text(ratio.verdict), _text(second), f"{ratio.value:.3f}", interval])
    return rows


def _figures(model: ModelProfile, columns: int) -> list[str]:
    stats = model.latency
    name = [_text(model.model), str(model.threads)]
    if stats is None:
        reason = model.failure.kind if model.failure else "not timed"
        return [*name, f'<span class="bad">{escape(reason)}</span>', *[""] * (columns - 3)]
    interval = f"{milliseconds(stats.p50_interval.low)} – {milliseconds(stats.p50_interval.high)}"
    rest = (stats.p90, stats.p95, stats.p99, stats.min, stats.mean, stats.std)
    steady = "good" if stats.steady else "bad"
    why = escape("; ".join(stats.unsteady) or "steady")
    drift = f'<span class="{steady}" title="{why}">{stats.drift:+.1%}</span>'
    return [*name, f"<b>{milliseconds(stats.p50)}</b>", interval, *map(milliseconds, rest), drift, f"{stats.runs:,}"]


def _loading(model: ModelProfile) -> list[str]:
    fresh = model.fresh
    size = f"{model.size / 1e6:.2f} MB"
    row = [_text(model.model), str(model.threads), escape(model.runtime), size]
    if fresh is None:
        return [*row, "", "", "", ""]
    memory = ["" if value is None else f"{value / 1e6:.1f} MB" for value in (fresh.peak_bytes, fresh.baseline_bytes)]
    return [*row, milliseconds(fresh.load_ns), milliseconds(fresh.first_ns), *memory]


def _costs(profile: Profile) -> Iterable[str]:
    peaks = {peak.threads: peak for peak in profile.peaks}
    first = min((model.threads for model in profile.models), default=1)
    shown = [model for model in profile.models if model.threads == first]
    if any(model.costs for model in shown):
        yield "<h2>Where the time goes</h2>"
        yield '<p class="soft">By the runtime’s own operator profiler, which slows small operators down a little; '
        yield "shares are of the time of all operators.</p>"
    for model in shown:
        if model.costs is not None:
            yield from _costs_of(model, model.costs, peaks.get(model.threads))
        elif model.costs_note:
            yield f"<h3>{escape(model.title)}</h3><p>{escape(model.costs_note)}</p>"


def _costs_of(model: ModelProfile, costs: Costs, peak: Peak | None) -> Iterable[str]:
    yield f"<h3>{escape(model.title)}: {escape(costs.sentence)}</h3>"
    legend = "".join(
        f'<span><i class="{escape(kind.name)}"></i>{escape(kind.name)} {kind.share:.1%}</span>' for kind in costs.kinds
    )
    rows = shares_by_kind(costs)
    kinds = dict(rows)
    yield f'<figure><div class="legend">{legend}</div>{svg.blocks(rows)}</figure>'
    header = ("kind", "time", "share", "MACs", "bytes at least", "GMAC/s", "MACs a byte")
    shares = (*costs.kinds, costs.total)
    yield _table(
        header,
        [
            [
                escape(share.name),
                f"{share.ns / 1e6:.3f} ms",
                f"{share.share:.1%}",
                f"{share.macs / 1e6:,.2f} M",
                f"{share.bytes / 1e6:,.2f} MB",
                f"{share.gmac_per_s:.1f}" if share.macs else "",
                f"{share.macs / share.bytes:.2f}" if share.macs and share.bytes else "",
            ]
            for share in shares
        ],
    )
    # A block may take less time than the profiler's clock can measure.
    multiplying = [block for block in costs.blocks if block.macs and block.bytes and block.ns]
    if peak is not None and multiplying:
        above = costs.total.gmac_per_s > peak.gmac_per_s
        points = [(block, _main_kind(kinds[block.name])) for block in multiplying]
        yield f"<figure>{svg.roofline(points, peak)}<figcaption>Roofline, a point a block, coloured by its kind. "
        yield "The roof is what numpy’s sgemm and a memory copy reached in the same run"
        yield (
            "; the model is above it, so this numpy is not fast here.</figcaption></figure>"
            if above
            else (f"; over all, {costs.total.gmac_per_s / peak.gmac_per_s:.0%} of sgemm.</figcaption></figure>")
        )


def _main_kind(shares: Sequence[Share]) -> str:
    """The kind of work that takes most of a block's time; `_costs_of` asks only for blocks that take time."""
    return max(shares, key=lambda share: share.ns).name


def _environment(profile: Profile) -> str:
    environment, before, after = profile.environment, profile.before, profile.after
    memory = "" if environment.memory_bytes is None else f"{environment.memory_bytes / 2**30:.1f} GiB"
    runtimes = ", ".join(f"{name} {version}" for name, version in environment.runtimes.items())
    rows = [
        ("device", environment.device or "not told"),
        ("processor", environment.processor or "not told"),
        ("instruction set", environment.machine),
        ("cores", str(environment.cores)),
        ("pinned to cores", "no" if profile.pin is None else ", ".join(map(str, profile.pin))),
        ("memory", memory or "not told"),
        ("system", environment.system),
        ("runner", environment.runner),
        ("runtimes", runtimes),
        ("load before, after", _pair(before.load, after.load, "{:.2f}")),
        ("governor", _states(before, after, "governor", "{}")),
        ("frequency before, after", _states(before, after, "frequency_khz", "{:,} kHz")),
        ("temperature before, after", _states(before, after, "temperature_c", "{:.1f} °C")),
        *(("note", note) for note in profile.notes),
    ]
    return "<h2>Environment</h2>" + _table(("", ""), [[_text(name), _text(value)] for name, value in rows], text=True)


def _pair(before: float | None, after: float | None, form: str) -> str:
    return ", ".join("not told" if value is None else form.format(value) for value in (before, after))


def _states(before: Snapshot, after: Snapshot, name: str, form: str) -> str:
    first, last = getattr(before, name), getattr(after, name)
    if not first and not last:
        return "not known on this system"
    keys = dict.fromkeys([*first, *last])
    told = [", ".join(form.format(one[key]) if key in one else "-" for one in (first, last)) for key in keys]
    return "; ".join(f"{key}: {value}" for key, value in zip(keys, told, strict=True))


def _method(profile: Profile) -> str:
    protocol, parts = profile.protocol, []
    if protocol is not None:
        parts.append(
            f"Each model was warmed up for at least {protocol.warmup_runs} runs and {protocol.warmup_seconds:g} s. "
            f"Then the models took turns (A B, B A, ...), {protocol.repeats} turns each, until each had at least "
            f"{protocol.runs} runs and {protocol.seconds:g} s; the first {protocol.rewarm_runs} runs of a turn are not "
            "kept. Times are of the device’s monotonic clock, around the runtime’s own call; the input is in place."
        )
        parts.append(
            "The interval of a median is that of order statistics over the medians of the turns: 95 %, or the whole "
            "range where there are fewer than six turns. Two models are compared turn by turn; a difference is "
            f"reported when the whole interval lies more than {MARGIN:.0%} from equal."
        )
        parts.append(
            "Load time, first inference and memory are medians over fresh processes "
            f"({protocol.fresh_processes}); operators are of {protocol.operator_runs} runs with the runtime’s "
            "profiler, apart from the runs above."
        )
    parts += [_golden(model) for model in {model.model: model for model in profile.models}.values()]
    return "<h2>How it was measured</h2>" + "".join(f"<p>{escape(part)}</p>" for part in parts)


def _golden(model: ModelProfile) -> str:
    if model.failure is None and not model.golden:
        return f"The answers of {model.model} were not checked on the device."
    of = (
        "the network in float64, with the tolerance that its export proved"
        if model.golden_origin == Origin.EXPORT
        else "this file on the host’s own runtime (there is no golden set beside it): this finds a device that "
        "differs, but not a file that is wrong"
    )
    errors = ", ".join(
        f"max {error.max:.1e} (allowed {bound.max:.1e})" if error.max is not None else "not finite"
        for error, bound in zip(model.golden, model.bounds, strict=False)
    )
    return f"Before it was timed, {model.model} was held to {of}: {errors or 'it could not be run'}."


def _raw(profile: Profile) -> str:
    data = base64.b64encode(json.dumps(profile.to_dict(), allow_nan=False).encode()).decode()
    return (
        '<h2>Raw data</h2><p><a class="button" download="profile.json" '
        f'href="data:application/json;base64,{data}">profile.json</a></p>'
        '<p class="soft">All samples in nanoseconds, as ssc-deploy compare reads them.</p>'
    )


def _text(text: str) -> str:
    """A cell with text, which `_table` aligns on the left."""
    return f"\0{escape(text)}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, text: bool = False) -> str:
    """A table; cells are HTML already."""
    listed = list(rows)
    texts = {i for row in listed for i, cell in enumerate(row) if cell.startswith("\0")}
    names = "".join(f"<th{' class=text' if i in texts else ''}>{escape(name)}</th>" for i, name in enumerate(header))
    head = "" if text else f"<tr>{names}</tr>"
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in listed)
    return f'<div class="wide"><table>{head}{body}</table></div>'


def _cell(cell: str) -> str:
    return f'<td class="text">{cell[1:]}</td>' if cell.startswith("\0") else f"<td>{cell}</td>"
