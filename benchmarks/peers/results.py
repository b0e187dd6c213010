"""What comes out of a run: a row for each contender and variant, and the files that hold them."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import measuring
from benchmarks.measuring import Interval, Ratio
from benchmarks.peers.contender import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Status(enum.StrEnum):
    """What became of a contender's variant."""

    RIGHT = "right"  #: computes the network; only such rows are compared
    WRONG = "wrong"  #: computes something else
    FAILED = "failed"  #: cannot be installed, converted, loaded or run
    BOUND = "bound"  #: no network but its matrix products: the limit


@dataclass(frozen=True)
class Times:
    """How long one inference takes, in milliseconds: medians over the rounds, of a round's median.

    Attributes:
        cpu: of all threads of the process.
        wall: by the clock, with what other processes of the machine took meanwhile.
        to_best_peer: paired ratio of the CPU time to that of the fastest right peer; None where there is none.
        to_limit: paired ratio to the sgemm of the same multiplications; None where it did not run.
    """

    cpu: Interval
    wall: Interval
    to_best_peer: Ratio | None
    to_limit: Ratio | None


@dataclass(frozen=True)
class Row:
    """One variant of one contender.

    Attributes:
        contender: name of its file.
        title: for people.
        kind: ours, peer or limit.
        variant: e.g. ``"one-hot depthwise"``.
        status: whether its times mean anything.
        reason: why it failed, or in what it is wrong; else empty.
        versions: of its packages.
        notes: of the file as loaded.
        convert_seconds: CPU time of the conversion.
        error: largest absolute difference of an output from float64 over the largest output; None where not compared.
        times: None where it did not run.
    """

    contender: str
    title: str
    kind: Kind
    variant: str
    status: Status
    reason: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    convert_seconds: float | None = None
    error: float | None = None
    times: Times | None = None

    @property
    def label(self) -> str:
        """Title and variant."""
        return self.title if self.variant in {"default", "as it is"} else f"{self.title}, {self.variant}"


@dataclass(frozen=True)
class NetResult:
    """All rows of a network, from one run.

    Attributes:
        net: as on the command line.
        macs: multiplications with addition of one inference.
        date: of the run, ISO 8601.
        rounds: in which all took turns.
        runs: of each in a round.
        rows: ours first.
        ours_to_peers: paired ratio of the fastest of ours to the fastest right peer.
        float32_error: what float32 costs PyTorch itself, as `Row.error`.
    """

    net: str
    macs: int
    date: str
    rounds: int
    runs: int
    float32_error: float
    rows: tuple[Row, ...]
    ours_to_peers: Ratio | None

    def best(self, kind: Kind) -> Row | None:
        """The fastest right row of a kind."""
        return fastest([row for row in self.rows if row.kind is kind])


def fastest(rows: Sequence[Row]) -> Row | None:
    """The row with the least CPU time among those that may be compared."""
    timed = [(row.times.cpu.median, i) for i, row in enumerate(rows) if row.times and row.status is not Status.WRONG]
    return rows[min(timed)[1]] if timed else None


def write(result: NetResult, folder: Path) -> Path:
    """Writes ``folder/<net>.json``, in place of an earlier run's."""
    path = folder / f"{result.net}.json"
    measuring.write(path, "peers", asdict(result))
    return path


def read(path: Path) -> NetResult:
    """What `write` wrote.

    Raises:
        ValueError: the file is another benchmark's, or of another version.
    """
    content = json.loads(path.read_text())
    if content.get("benchmark") != "peers" or content.get("schema_version") != measuring.SCHEMA_VERSION:
        raise ValueError(f"{path} holds no results of this version of benchmarks.peers")
    fields = {name: content[name] for name in NetResult.__dataclass_fields__}
    fields["rows"] = tuple(_row(row) for row in fields["rows"])
    fields["ours_to_peers"] = _ratio(fields["ours_to_peers"])
    return NetResult(**fields)


def _row(fields: dict[str, Any]) -> Row:
    times = fields["times"]
    if times is not None:
        cpu, wall = Interval(**times["cpu"]), Interval(**times["wall"])
        times = Times(cpu, wall, _ratio(times["to_best_peer"]), _ratio(times["to_limit"]))
    known = {"kind": Kind(fields["kind"]), "status": Status(fields["status"]), "times": times}
    return Row(**{**fields, **known})


def _ratio(fields: dict[str, Any] | None) -> Ratio | None:
    return None if fields is None else Ratio(**fields)
