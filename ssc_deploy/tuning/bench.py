"""Measures files of several choices on a device, or takes earlier measurements."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import preparing
from ssc_deploy.profiling.job import Protocol
from ssc_deploy.storage import records
from ssc_deploy.storage.digests import sha256_of
from ssc_deploy.storage.files import as_output_error
from ssc_deploy.tuning import comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ssc_deploy.profiling.targets.protocol import Description, Target
    from ssc_deploy.tuning.cache import Cache
    from ssc_deploy.tuning.comparison import Comparison
    from ssc_deploy.tuning.space import Choices

#: A short protocol, to drop candidates that are much slower.
SHORT = Protocol(
    warmup_runs=3, warmup_seconds=0.1, runs=40, seconds=0.3, repeats=10, operator_runs=0, fresh_processes=0
)

#: The protocol that decides.
LONG = Protocol(
    warmup_runs=5, warmup_seconds=0.2, runs=120, seconds=1.5, repeats=30, operator_runs=0, fresh_processes=0
)

#: Estimated seconds of a job besides its turns, until one has been measured.
_START = 3.0


class Bench:
    """Compares choices on one device.

    Args:
        target: where.
        description: of it.
        cache: of measurements.
        graph: fingerprint of the canonical graph.
        build: makes the file of a choice, with its golden set beside it.
        threads: of one inference.
        clock: seconds.

    Attributes:
        seconds: that all comparisons took, those that were remembered as well: a run that is taken up again ends where
            one at a stretch would.
        remembered: how many were not measured again.
    """

    def __init__(
        self,
        target: Target,
        description: Description,
        cache: Cache,
        graph: str,
        build: Callable[[Choices], Path],
        *,
        threads: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target, self._cache, self._build, self._threads, self._clock = target, cache, build, threads, clock
        self._where = {"graph": graph, "device": _identity(description), "threads": threads}
        self._files: dict[tuple[tuple[str, str], ...], Path] = {}
        self._seconds_a_file: dict[Protocol, float] = {}
        self.seconds, self.remembered = 0.0, 0

    def estimate(self, protocol: Protocol, candidates: int) -> float:
        """Seconds that `compare` is likely to take once."""
        guess = 2 * (protocol.warmup_seconds + protocol.seconds) + _START / 3
        return self._seconds_a_file.get(protocol, guess) * (candidates + 2)

    def compare(self, base: Choices, candidates: Sequence[Choices], protocol: Protocol, attempt: int = 0) -> Comparison:
        """Measures candidates against the best choice so far.

        Args:
            base: the best so far.
            candidates: at least one.
            protocol: of latency.
            attempt: how often the same was measured before and is to be measured again.

        Raises:
            TargetError: the device cannot be reached, or fails on the best file.
            OutputError: the cache or the disk cannot be written.
        """
        paths = [self._file(choices) for choices in (base, *candidates, base)]
        digests = [sha256_of(path) for path in paths]
        key = {**self._where, "protocol": records.encode(protocol), "files": digests, "attempt": attempt}
        found = self._cache.get(key)
        if found is None:
            found = self._measure(paths, digests, protocol)
            self._cache.put(key, found)
        else:
            self.remembered += 1
        self.seconds += found.seconds
        self._seconds_a_file[protocol] = found.seconds / len(paths)
        return found

    def _measure(self, paths: Sequence[Path], digests: Sequence[str], protocol: Protocol) -> Comparison:
        with as_output_error(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="ssc-deploy-") as name:
            folder = Path(name)
            job = preparing.prepare(folder, paths, threads=(self._threads,), protocol=protocol)
            start = self._clock()
            result = self._target.run(folder, job, lambda _line: None)
            seconds = self._clock() - start
        for one in (result.measurements[0], result.measurements[-1]):
            if one.failure is not None:
                raise TargetError(f"{self._target.spec} cannot measure the best file so far: {one.failure.message}")
        return comparison.compare_turns(result.measurements, digests, seconds)

    def _file(self, choices: Choices) -> Path:
        key = tuple(sorted(choices.items()))
        if key not in self._files:
            self._files[key] = self._build(choices)
        return self._files[key]


def _identity(description: Description) -> dict[str, Any]:
    """What makes measurements of two runs comparable: the device and the versions of its runtimes."""
    environment = description.environment
    if environment is None:
        return {"spec": description.spec, "detail": description.detail}
    # The number of cores that a process may use changes from run to run, and one inference has its own.
    return {"spec": description.spec, **records.encode(dataclasses.replace(environment, cores=0))}
