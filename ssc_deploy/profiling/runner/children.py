"""What is measured in a process of its own: a process that has done nothing else, or may die of what it calls.

The functions here start the runner again, and `answer` is what the process that was started does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from .contract import JOB_FILE, FailureKind
from .errors import ModelError

if TYPE_CHECKING:
    from .formats import Fresh, OperatorTime, Peak

#: The archive that holds this package.
_RUNNER = Path(__file__).resolve().parents[1]

#: Seconds that a process may take.
_PATIENCE = 600


def measure_peak(threads: int) -> Peak:
    """See `peak.peak`.

    Raises:
        ModelError: the process dies.
        subprocess.TimeoutExpired: it does not end.
        OSError: it cannot be started.
    """
    found: Peak = _run(["--peak", str(threads)], _with_threads(threads))
    return found


def measure_fresh(folder: Path, model: int, threads: int) -> Fresh:
    """See `fresh.fresh`.

    Args:
        folder: of the job.
        model: its place in the job.
        threads: of one inference.

    Raises:
        ModelError: the runtime is missing or refuses the model, or the process dies.
        subprocess.TimeoutExpired: it does not end.
    """
    found: Fresh = _run(["--fresh", str(folder), str(model), str(threads)])
    return found


def measure_operators(folder: Path, model: int, threads: int, runs: int) -> list[OperatorTime]:
    """See `operators.operators`; the first two arguments are as in `measure_fresh`.

    Raises:
        ModelError: there is no profiler, or the process dies.
        subprocess.TimeoutExpired: it does not end.
        OSError, ValueError: it cannot be started, or does not answer in JSON.
    """
    found: list[OperatorTime] = _run(["--operators", str(folder), str(model), str(threads), str(runs)])["operators"]
    return found


def answer(arguments: Sequence[str]) -> Mapping[str, Any] | None:
    """What a process that was started with these arguments measures; None if no function here starts such a one."""
    if len(arguments) == 2 and arguments[0] == "--peak":
        from .peak import peak

        return peak(int(arguments[1]))
    if len(arguments) < 4 or arguments[0] not in ("--fresh", "--operators"):
        return None
    from .golden import golden_arrays, inference

    folder, index, threads = Path(arguments[1]), int(arguments[2]), int(arguments[3])
    entry = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))["models"][index]
    path = folder / entry["file"]
    inputs = inference(golden_arrays(folder / entry["golden"]["file"], "input"), 0)
    try:
        if arguments[0] == "--fresh":
            from .fresh import fresh

            return fresh(path, threads, inputs)
        from .operators import operators

        return {"operators": operators(path, threads, inputs, int(arguments[4]))}
    except ModelError as error:
        return error.to_dict()


def _run(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Any:
    """What the runner prints as JSON with these arguments."""
    command = [sys.executable, str(_RUNNER), *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=_PATIENCE, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode == 0 and lines:
        told = json.loads(lines[-1])
        if "kind" in told:
            raise ModelError(FailureKind(told["kind"]), told["message"])
        return told
    if done.returncode < 0:
        raise ModelError(
            FailureKind.FAILED, f"its process was ended by signal {-done.returncode}{_hint(done.returncode)}"
        )
    errors = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it says nothing"]
    raise ModelError(FailureKind.FAILED, f"its process failed: {errors[-1][:300]}")


def _hint(returncode: int) -> str:
    return " (the system kills so when memory runs out)" if returncode == -9 else ""


def _with_threads(threads: int) -> dict[str, str]:
    """The environment of a process whose BLAS uses that many threads, and the kernels that fit this processor best."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    kept.update((name, str(threads)) for name in names)
    return kept
