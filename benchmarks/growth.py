"""How latency grows with width, depth, input size and batch: ours, and the best graph that one has without us.

    python -m benchmarks.growth --out DIR [--axes width depth size batch] [--peers onnx_export litert_torch]
                                [--rounds 20]

All points of an axis take turns in every round (see `benchmarks.peers`, which does the work). The slope of an axis is
the exponent of the power law through its points: least squares of log(time) over log(value), in each round, and of
these the median. Beside it stands the exponent of the MACs, which time would follow if every MAC cost the same.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import json
import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import measuring
from benchmarks.measuring import Interval, Ratio
from benchmarks.peers import environments, net, turns
from benchmarks.peers.contender import Kind
from benchmarks.peers.net import Net
from benchmarks.peers.results import Status
from benchmarks.svg import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.turns import Entrant

#: Values of each axis, and the network of each.
AXES: dict[str, dict[int, str]] = {
    "width": {9: "ssc-net-1-9", 18: "ssc-net-1-18", 27: "ssc-net-1-27", 36: "ssc-net-1-36"},
    "depth": {1: "ssc-net-1-9", 2: "ssc-net-2-9", 3: "ssc-net-3-9", 6: "ssc-net-6-9"},
    "size": {32: "ssc-net-1-9", 64: "ssc-net-1-9@64", 128: "ssc-net-1-9@128", 224: "ssc-net-1-9@224"},
    "batch": {1: "ssc-net-1-9", 4: "ssc-net-1-9x4", 16: "ssc-net-1-9x16"},
}

TITLES = {
    "width": "groups G of the first stage",
    "depth": "modules B a stage",
    "size": "height and width",
    "batch": "pictures at a time",
}

#: What stands for the graphs of others, and the limit.
_VARIANTS = {
    "onnx_export": ["one-hot depthwise", "concatenated slices"],
    "litert_torch": ["one-hot depthwise"],
    "sgemm": ["the layers' products"],
}
_OURS = ("ours_litert", "ours_onnxruntime")


@dataclass(frozen=True)
class Point:
    """One value of an axis.

    Attributes:
        value: of the axis.
        net: name of the network.
        macs: of one inference.
        ours: CPU time of our fastest file, milliseconds.
        ours_label: which that is.
        stock: of the fastest right graph of the others.
        stock_label: which that is.
        limit: of the layers' matrix products.
        ours_to_stock: paired ratio.
    """

    value: int
    net: str
    macs: int
    ours: Interval
    ours_label: str
    stock: Interval
    stock_label: str
    limit: Interval
    ours_to_stock: Ratio


@dataclass(frozen=True)
class Axis:
    """All points of an axis, and the exponents through them."""

    axis: str
    points: tuple[Point, ...]
    ours_slope: Interval
    stock_slope: Interval
    limit_slope: Interval
    macs_slope: float


def exponent(values: Sequence[float], times: Sequence[float]) -> float:
    """The k of time ~ value**k by least squares on logarithms.

    Raises:
        statistics.StatisticsError: there are fewer than two values, or all are equal.
    """
    return statistics.linear_regression([math.log(v) for v in values], [math.log(t) for t in times]).slope


def slope(values: Sequence[float], series: Sequence[Sequence[float]]) -> Interval:
    """The median exponent of all rounds.

    Args:
        values: of the axis.
        series: for each value its times, one a round.
    """
    return measuring.interval([exponent(values, times) for times in zip(*series, strict=True)])


def measure(axis: str, peers: Sequence[str], cache: Path, *, rounds: int, runs: int, pause: bool = False) -> Axis:
    """Times all points of an axis in one run, after Enter was pressed where ``pause`` asks for it."""
    values = list(AXES[axis])
    fields = {name: _VARIANTS.get(name) for name in (*_OURS, *peers, "sgemm")}
    with contextlib.ExitStack() as stack:
        entrants, macs = {}, {}
        for value, name in AXES[axis].items():
            net_ = Net.parse(name)
            shop = turns.workshop(net_, cache)
            field = {key: chosen or turns.entering(net_, [key])[key] for key, chosen in fields.items()}
            entrants[value], _ = turns.admit(shop, field, stack, lambda line: print(line, flush=True))
            macs[value] = sum(p.macs for p in net.products(net_, net.network(net_, shop.weights)))
        if pause:
            input("all are loaded; press Enter to time them\n")
        turns.take_turns([entrant for one in entrants.values() for entrant in one], rounds, runs)
    best = {kind: {v: _fastest(entrants[v], kind) for v in values} for kind in Kind}
    slopes = {kind: slope(values, [one.cpu for one in found.values()]) for kind, found in best.items()}
    points = tuple(_point(v, AXES[axis][v], macs[v], {kind: best[kind][v] for kind in Kind}) for v in values)
    macs_slope = exponent(values, [macs[v] for v in values])
    return Axis(axis, points, slopes[Kind.OURS], slopes[Kind.PEER], slopes[Kind.LIMIT], macs_slope)


def _fastest(entrants: Sequence[Entrant], kind: Kind) -> Entrant:
    found = [e for e in entrants if e.row.kind is kind and e.cpu and e.row.status in {Status.RIGHT, Status.BOUND}]
    if not found:
        reasons = "; ".join(f"{e.row.label}: {e.row.reason}" for e in entrants if e.row.kind is kind)
        raise SystemExit(f"nothing of the kind {kind} runs: {reasons}")
    return min(found, key=lambda entrant: statistics.median(entrant.cpu))


def _point(value: int, name: str, macs: int, best: Mapping[Kind, Entrant]) -> Point:
    ours, stock = best[Kind.OURS], best[Kind.PEER]
    times = {kind: measuring.interval([1e3 * second for second in one.cpu]) for kind, one in best.items()}
    ratio = measuring.paired(ours.cpu, stock.cpu)
    return Point(
        value,
        name,
        macs,
        times[Kind.OURS],
        ours.row.label,
        times[Kind.PEER],
        stock.row.label,
        times[Kind.LIMIT],
        ratio,
    )


def read(path: Path) -> Axis:
    """An axis as `main` wrote it."""
    content = json.loads(path.read_text())
    points = []
    for fields in content["points"]:
        intervals = {name: Interval(**fields[name]) for name in ("ours", "stock", "limit")}
        points.append(Point(**{**fields, **intervals, "ours_to_stock": Ratio(**fields["ours_to_stock"])}))
    slopes = (Interval(**content[f"{name}_slope"]) for name in ("ours", "stock", "limit"))
    return Axis(content["axis"], tuple(points), *slopes, content["macs_slope"])


def draw(axes: Sequence[Axis]) -> str:
    """The axes as panels with logarithmic scales, two a row."""
    width, height, left, gap = 400, 240, 60, 70
    drawing = Drawing(2 * (width + left) + 40, "How latency grows with width, depth, input size and batch")
    drawing.text(16, 26, "CPU time of one inference in ms, SSC-Net, one thread, logarithmic scales", "text title")
    drawing.text(
        16, 46, "ours: blue; the best graph without us: grey; the layers' matrix products as sgemm: dashed", "faint"
    )
    for i, axis in enumerate(axes):
        x0, y0 = left + (i % 2) * (width + left), 108 + (i // 2) * (height + gap + 30)
        _panel(drawing, axis, x0, y0, width=width - 20, height=height)
    return drawing.render(108 + -(-len(axes) // 2) * (height + gap + 30))


def _panel(drawing: Drawing, axis: Axis, x0: float, y0: float, *, width: float, height: float) -> None:
    values = [point.value for point in axis.points]
    lines = {name: [getattr(point, name).median for point in axis.points] for name in ("stock", "ours", "limit")}
    every = [time for times in lines.values() for time in times]
    low, high = math.log(min(every)), math.log(max(every))
    first, last = math.log(values[0]), math.log(values[-1])

    def place(value: float, time: float) -> tuple[float, float]:
        x = (math.log(value) - first) / (last - first)
        return x0 + 12 + x * (width - 24), y0 + height - 8 - (math.log(time) - low) / (high - low) * (height - 16)

    for x1, y1, x2, y2 in ((x0, y0, x0, y0 + height), (x0, y0 + height, x0 + width, y0 + height)):
        drawing.line(x1, y1, x2, y2, "rule")
    for value in values:
        drawing.text(place(value, min(every))[0], y0 + height + 16, str(value), "faint middle")
    labelled: list[float] = []
    for time in (*lines["ours"], min(every), max(every)):
        y = place(values[0], time)[1]
        if all(abs(y - other) >= 12 for other in labelled):
            drawing.text(x0 - 6, y + 4, f"{time:.3g}", "faint end")
            labelled.append(y)
    limit = [place(v, t) for v, t in zip(values, lines["limit"], strict=True)]
    for (xa, ya), (xb, yb) in itertools.pairwise(limit):
        drawing.line(xa, ya, xb, yb, "limit")
    for name, kind in (("stock", "peer"), ("ours", "ours")):
        drawing.curve([place(v, t) for v, t in zip(values, lines[name], strict=True)], kind)
    drawing.text(x0, y0 - 22, f"{axis.axis}: {TITLES[axis.axis]}", "text title")
    slopes = f"ours {axis.ours_slope.median:.2f}, stock {axis.stock_slope.median:.2f}, MACs {axis.macs_slope:.2f}"
    drawing.text(x0, y0 - 6, f"exponents: {slopes}", "text")
    ratios = ", ".join(f"{point.ours_to_stock.median:.2f}" for point in axis.points)
    drawing.text(x0 + 12, y0 + height + 34, f"ours / stock: {ratios}", "faint")


def main() -> None:
    """Prints a line a point and the slopes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--axes", nargs="+", choices=list(AXES), default=list(AXES))
    parser.add_argument("--peers", nargs="+", choices=["onnx_export", "litert_torch"], default=["onnx_export"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5, help="timed inferences of each in a round")
    parser.add_argument("--cache", type=Path, default=environments.default_cache())
    parser.add_argument("--pause", action="store_true", help="wait for Enter before timing, to quiet the machine first")
    options = parser.parse_args()
    for axis in options.axes:
        found = measure(
            axis, options.peers, options.cache, rounds=options.rounds, runs=options.runs, pause=options.pause
        )
        for point in found.points:
            print(
                f"{axis:6}{point.value:5} {point.macs / 1e6:8.1f} M MACs   ours {point.ours.median:8.2f} ms"
                f"   stock {point.stock.median:8.2f} ms   {point.ours_to_stock}"
            )
        print(f"{axis}: exponent of ours {found.ours_slope.median:.2f}, of stock {found.stock_slope.median:.2f}")
        date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        measuring.write(options.out / f"growth-{axis}.json", "growth", {"date": date, **asdict(found)})
    axes = [read(path) for path in (options.out / f"growth-{axis}.json" for axis in AXES) if path.exists()]
    (options.out / "growth.svg").write_text(draw(axes))


if __name__ == "__main__":
    main()
