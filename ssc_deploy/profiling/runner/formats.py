"""The keys of job.json and result.json, for the type checker.

The dataclasses of the same names in `ssc_deploy.profiling.job` say what each means, and the library checks both files
by them. They need a newer Python than a device may have. A test compares their fields with the keys here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypedDict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

#: Is called with a line about the progress.
Say = Callable[[str], None]


class AxisBound(TypedDict):
    """Bounds of the slices along an axis."""

    axis: int
    max: list[float]


class _WholeBound(TypedDict):
    max: float
    rms: float


class Bound(_WholeBound, total=False):
    """How far an output may be from its reference."""

    axes: list[AxisBound]


class Golden(TypedDict):
    """A golden set."""

    file: str
    sha256: str
    bounds: list[Bound]
    origin: str


class ModelFile(TypedDict):
    """A model to measure."""

    name: str
    file: str
    sha256: str
    size: int
    golden: Golden


class Protocol(TypedDict):
    """How latency is measured."""

    warmup_runs: int
    warmup_seconds: float
    runs: int
    seconds: float
    repeats: int
    rewarm_runs: int
    operator_runs: int
    fresh_processes: int


class Job(TypedDict):
    """What job.json holds."""

    nonce: str
    models: list[ModelFile]
    threads: list[int]
    protocol: Protocol | None
    pin: list[int] | None
    keep_outputs: bool
    schema_version: int


class Failure(TypedDict):
    """Why a measurement has no figures."""

    kind: str
    message: str


class Fresh(TypedDict):
    """A process that loads a model and runs it once."""

    load_ns: int
    first_ns: int
    peak_bytes: int | None
    baseline_bytes: int | None


class OperatorTime(TypedDict):
    """What one operator takes."""

    name: str
    operator: str
    ns: int


class Turn(TypedDict):
    """One turn of a model."""

    start_ns: int
    samples_ns: list[int]


class GoldenError(TypedDict):
    """Distance of one output from its reference; None stands for what is not finite."""

    max: float | None
    rms: float | None


class _Measured(TypedDict):
    model: int
    threads: int


class Measurement(_Measured, total=False):
    """One model at one number of threads."""

    golden: list[GoldenError]
    turns: list[Turn]
    fresh: Fresh
    operators: list[OperatorTime]
    operators_note: str
    failure: Failure


class Snapshot(TypedDict):
    """The state of the device."""

    unix_time: float
    load: float | None
    governor: dict[str, str]
    frequency_khz: dict[str, int]
    temperature_c: dict[str, float]


class Environment(TypedDict):
    """The device and what runs on it."""

    device: str
    processor: str
    machine: str
    cores: int
    memory_bytes: int | None
    system: str
    runner: str
    runtimes: dict[str, str]


class Peak(TypedDict):
    """What the device reaches at most."""

    threads: int
    gmac_per_s: float
    gbyte_per_s: float


class Result(TypedDict):
    """What result.json holds."""

    nonce: str
    environment: Environment
    before: Snapshot
    after: Snapshot
    measurements: list[Measurement]
    peaks: list[Peak]
    notes: list[str]
    files: dict[str, str]
    schema_version: int
