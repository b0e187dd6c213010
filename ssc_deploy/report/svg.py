"""Charts as inline SVG; colours come from the page's style sheet, so that they follow light and dark."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

import numpy as np

from ssc_deploy.profiling.results import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssc_deploy.profiling.costs import Share
    from ssc_deploy.profiling.job import Peak
    from ssc_deploy.profiling.results import ModelProfile

#: Width of a drawing in its own units. It is scaled to the page.
_WIDTH = 1000.0

#: Left edge of the drawing, to the right of the names.
_LEFT = 250.0

_BINS = 120


def escape(text: str) -> str:
    """Text for HTML, between tags and in attributes."""
    return html.escape(text, quote=True)


def distributions(models: Sequence[ModelProfile]) -> str:
    """One histogram for each model on one axis, with p50, its interval, and p90.

    Args:
        models: that were timed.
    """
    stats = [model.latency for model in models if model.latency]
    low = min(one.min for one in stats) * 0.98
    # Single disturbed runs may take twenty times as long. With them, the rest would be too narrow to see.
    high = max(min(one.p99, 2 * one.p50) for one in stats) * 1.02
    row, parts = 74.0, []

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 10) * (min(value, high) - low) / (high - low)

    for i, model in enumerate(models):
        assert model.latency is not None  # the caller's word
        samples = np.concatenate([np.asarray(turn) for turn in model.samples])
        counts, edges = np.histogram(samples[samples <= high], _BINS, (low, high))
        base, tallest = row * (i + 1) - 14, max(1, int(counts.max()))
        parts += [
            f'<rect class="bar" x="{x(edges[j]):.1f}" y="{base - 46 * count / tallest:.1f}" '
            f'width="{x(edges[j + 1]) - x(edges[j]):.1f}" height="{46 * count / tallest:.1f}"/>'
            for j, count in enumerate(counts)
            if count
        ]
        one, beyond = model.latency, float(np.mean(samples > high))
        parts += [
            _label(model.title, base - 22),
            f'<text class="soft" x="0" y="{base - 6:.1f}">p50 {milliseconds(one.p50)} · p90 {milliseconds(one.p90)}'
            + (f" · {beyond:.0%} beyond" if beyond >= 0.005 else "")
            + "</text>",
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{base}" y2="{base}"/>',
            f'<line class="mark" x1="{x(one.p50):.1f}" x2="{x(one.p50):.1f}" y1="{base - 52}" y2="{base}"/>',
            f'<rect class="mark" x="{x(one.p50_interval.low):.1f}" y="{base - 52}" height="4" '
            f'width="{max(1.0, x(one.p50_interval.high) - x(one.p50_interval.low)):.1f}"/>',
        ]
        if one.p90 <= high:
            parts.append(
                f'<line class="guide" x1="{x(one.p90):.1f}" x2="{x(one.p90):.1f}" y1="{base - 46}" y2="{base}"/>'
            )
    height = row * len(models) + 14
    parts += [
        f'<text class="soft" x="{x(value):.1f}" y="{height - 4:.1f}" text-anchor="middle">{milliseconds(value)}</text>'
        for value in _ticks(low, high)
    ]
    return _drawing(height, parts, "Histograms of the latency of each model")


def over_time(models: Sequence[ModelProfile]) -> str:
    """The median of each turn against the time at which it was taken."""
    medians = [[float(np.median(turn)) for turn in model.samples] for model in models]
    starts = [[turn.start_ns / 1e9 for turn in model.turns] for model in models]
    row, parts = 44.0, []
    for i, model in enumerate(models):
        end = max(starts[i][-1], 1e-9)
        low, high = min(medians[i]), max(medians[i])
        base = row * (i + 1) - 8
        points = " ".join(
            f"{_LEFT + (_WIDTH - _LEFT - 10) * start / end:.1f},{base - 26 * (value - low) / max(high - low, 1e-9):.1f}"
            for start, value in zip(starts[i], medians[i], strict=True)
        )
        parts += [
            _label(model.title, base - 14),
            f'<text class="soft" x="0" y="{base:.1f}">turns {milliseconds(low)} to {milliseconds(high)}, '
            f"over {end:.1f} s</text>",
            f'<polyline class="trace" points="{points}"/>',
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{base + 3}" y2="{base + 3}"/>',
        ]
    return _drawing(row * len(models) + 4, parts, "Median of each turn over time")


def blocks(rows: Sequence[tuple[str, Sequence[Share]]]) -> str:
    """One bar for each block, in pieces by kind of work.

    Args:
        rows: name of the block, and the time of each kind in it.
    """
    longest = max(sum(share.ns for share in shares) for _, shares in rows) or 1
    total = sum(share.ns for _, shares in rows for share in shares) or 1
    height, parts = 19.0, []
    scale = (_WIDTH - _LEFT - 130) / longest
    for i, (name, shares) in enumerate(rows):
        top, at = height * i, _LEFT
        parts.append(_label(name, top + 13))
        for share in shares:
            parts.append(
                f'<rect class="{escape(share.name)}" x="{at:.1f}" y="{top + 3:.1f}" width="{share.ns * scale:.1f}" '
                f'height="13"><title>{escape(share.name)}: {share.ns / 1e6:.3f} ms</title></rect>'
            )
            at += share.ns * scale
        nanoseconds = sum(share.ns for share in shares)
        parts.append(
            f'<text class="soft" x="{at + 6:.1f}" y="{top + 13:.1f}">{nanoseconds / 1e6:.3f} ms · '
            f"{nanoseconds / total:.1%}</text>"
        )
    return _drawing(height * len(rows) + 2, parts, "Time of each block by kind of work")


def roofline(points: Sequence[tuple[Share, str]], peak: Peak) -> str:
    """Achieved GMAC/s against MACs for each byte, below the limits of sgemm and memory copy; both axes are logarithmic.

    Args:
        points: a share of the model and the kind of work that most of it is.
        peak: of the device, at the same number of threads.
    """
    placed = [(share, kind, share.macs / share.bytes, share.gmac_per_s) for share, kind in points if share.macs]
    ridge = peak.gmac_per_s / peak.gbyte_per_s
    xs = [intensity for _, _, intensity, _ in placed] + [ridge]
    ys = [rate for _, _, _, rate in placed] + [peak.gmac_per_s]
    left, right = math.log10(min(xs) / 2), math.log10(max(xs) * 3)
    bottom, top = math.log10(min(ys) / 2), math.log10(max(ys) * 1.6)
    height = 360.0

    def x(value: float) -> float:
        return 60 + (_WIDTH - 80) * (math.log10(value) - left) / (right - left)

    def y(value: float) -> float:
        return 10 + (height - 50) * (top - math.log10(value)) / (top - bottom)

    start = max(10**left, 10**bottom / peak.gbyte_per_s)
    parts = [
        f'<polyline class="roof" points="{x(start):.1f},{y(start * peak.gbyte_per_s):.1f} '
        f'{x(ridge):.1f},{y(peak.gmac_per_s):.1f} {x(10**right):.1f},{y(peak.gmac_per_s):.1f}"/>',
        f'<text class="soft" x="{x(10**right):.1f}" y="{y(peak.gmac_per_s) - 6:.1f}" text-anchor="end">'
        f"sgemm {peak.gmac_per_s:.1f} GMAC/s</text>",
        f'<text class="soft" x="150" y="20">rising: memory copy {peak.gbyte_per_s:.1f} GB/s</text>',
        f'<line class="axis" x1="60" x2="{_WIDTH - 20}" y1="{height - 40}" y2="{height - 40}"/>',
        f'<line class="axis" x1="60" x2="60" y1="10" y2="{height - 40}"/>',
        f'<text class="soft" x="{_WIDTH - 20}" y="{height - 6}" text-anchor="end">MACs a byte</text>',
        '<text class="soft" x="66" y="20">GMAC/s</text>',
    ]
    parts += [
        f'<text class="soft" x="{x(value):.1f}" y="{height - 24}" text-anchor="middle">{value:g}</text>'
        for value in _decades(left, right)
    ]
    parts += [
        f'<text class="soft" x="54" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        for value in _decades(bottom, top)
    ]
    parts += [
        f'<circle class="{escape(kind)}" cx="{x(intensity):.1f}" cy="{y(rate):.1f}" r="5" fill-opacity=".8">'
        f"<title>{escape(share.name)}: {rate:.1f} GMAC/s at {intensity:.1f} MACs a byte</title></circle>"
        for share, kind, intensity, rate in placed
    ]
    return _drawing(height, parts, "Roofline")


def _label(text: str, y: float) -> str:
    """A name at the left. A long one is cut off, and shown as a tooltip."""
    shown = text if len(text) <= 36 else text[:35] + "…"
    return f'<text x="0" y="{y:.1f}">{escape(shown)}<title>{escape(text)}</title></text>'


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
    first = math.ceil(low / step)
    return [step * i for i in range(first, math.floor(high / step) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade between two logarithms."""
    values = [m * 10.0**d for d in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [value for value in values if low <= math.log10(value) <= high]


def _drawing(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
