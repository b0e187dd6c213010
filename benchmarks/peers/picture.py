"""The results as one picture: a panel a network, a bar a contender with its interval, the limit as a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.peers import results
from benchmarks.peers.contender import Kind
from benchmarks.peers.results import NetResult, Row, Status, Times, fastest
from benchmarks.svg import Drawing

if TYPE_CHECKING:
    from pathlib import Path

NAME = "peers.svg"

_WIDTH, _LABELS, _BARS, _ROW, _GAP = 1050, 480, 330, 19, 34

#: A bar ends here, in times of the fastest of ours; what takes longer is cut off, and says so.
_LONGEST = 3.0


def write(folder: Path) -> Path | None:
    """Draws all results that are in a folder; None where there are none."""
    found = [results.read(path) for path in sorted(folder.glob("*.json"))]
    if not found:
        return None
    found.sort(key=lambda result: result.macs)
    path = folder / NAME
    path.write_text(draw(found, _machine(folder)))
    return path


def draw(found: list[NetResult], machine: str) -> str:
    """The picture as SVG.

    Args:
        found: results, in the order of their panels.
        machine: what they were measured on.
    """
    drawing = Drawing(_WIDTH, "CPU time of one inference: ssc-deploy beside other converters and runtimes")
    drawing.text(16, 26, "CPU time of one inference, one thread: medians with 95 % intervals", "text title")
    dates = sorted({result.date[:10] for result in found})
    drawing.text(16, 44, f"{machine} · {' to '.join(dict.fromkeys((dates[0], dates[-1])))}", "faint")
    y = 72.0
    for result in found:
        y = _panel(drawing, result, y) + _GAP
    return drawing.render(y - _GAP + 16)


def bars(result: NetResult) -> list[Row]:
    """Rows that are drawn as bars, fastest first: all of ours, and the best variant of each peer."""
    chosen = [row for row in result.rows if row.kind is Kind.OURS and row.times]
    for name in dict.fromkeys(row.contender for row in result.rows if row.kind is Kind.PEER):
        variants = [row for row in result.rows if row.contender == name and row.times]
        best = fastest(variants)
        # Where no variant is right, one that is wrong stands for it, and says so.
        chosen += [best] if best is not None else variants[:1]
    return sorted(chosen, key=lambda row: _times(row).cpu.median)


def absent(result: NetResult) -> list[str]:
    """A line for each contender none of whose variants ran."""
    lines = []
    for name in dict.fromkeys(row.contender for row in result.rows if row.kind is not Kind.LIMIT):
        rows = [row for row in result.rows if row.contender == name]
        if all(row.times is None for row in rows):
            lines.append(f"{rows[0].title}: {rows[0].reason}")
    return lines


def _panel(drawing: Drawing, result: NetResult, top: float) -> float:
    ratio = result.ours_to_peers
    drawing.text(16, top, f"{result.net} · {result.macs / 1e6:.0f} M MACs", "text title")
    if ratio is not None:
        text = f"best of ours / best of peers {ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
        drawing.text(_WIDTH - 16, top, text, "text end")
    rows, limit = bars(result), result.best(Kind.LIMIT)
    ours = result.best(Kind.OURS)
    reach = _LONGEST * _times(ours).cpu.median if ours else max((_times(row).cpu.median for row in rows), default=1.0)
    scale = _BARS / min(reach, max((_times(row).cpu.high for row in rows), default=1.0))
    y = top + 14
    for row in rows:
        _bar(drawing, row, y, scale)
        y += _ROW
    if limit is not None and rows:
        x = _LABELS + scale * _times(limit).cpu.median
        drawing.line(x, top + 12, x, y, "limit")
        drawing.text(
            x, y + 12, f"the same MACs by sgemm of a library, {_times(limit).cpu.median:.2f} ms", "limit-text middle"
        )
        y += 16
    for line in absent(result):
        y += _ROW - 3
        drawing.text(16, y, line if len(line) < 140 else f"{line[:137]}...", "faint")
    return y


def _bar(drawing: Drawing, row: Row, y: float, scale: float) -> None:
    times = _times(row)
    kind = "wrong" if row.status is Status.WRONG else row.kind.value
    drawing.text(_LABELS - 8, y + 12, row.label, "text end")
    length = scale * times.cpu.median
    drawing.bar(_LABELS, y + 2, min(length, _BARS), _ROW - 6, kind)
    if length <= _BARS:
        low, high = (_LABELS + min(scale * end, _BARS) for end in (times.cpu.low, times.cpu.high))
        drawing.whisker(low, high, y + 2 + (_ROW - 6) / 2)
    x = _LABELS + min(max(length, scale * times.cpu.high), _BARS) + 8
    text = f"{times.cpu.median:.2f} ms"
    if length > _BARS:
        text = f"▸ {text}"
    if row.status is Status.WRONG:
        text += ", WRONG result"
    elif times.to_best_peer is not None:
        text += f" · {times.to_best_peer.median:.2f} of the best peer"
    drawing.text(x, y + 12, text, "faint")


def _times(row: Row) -> Times:
    assert row.times is not None  # only rows that ran are drawn
    return row.times


def _machine(folder: Path) -> str:
    machines = [json.loads(path.read_text())["machine"] for path in sorted(folder.glob("*.json"))]
    names = dict.fromkeys(f"{m['processor']}, {m['cores']} cores, {m['architecture']}" for m in machines)
    return "; ".join(names)
