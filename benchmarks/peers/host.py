"""The host's side of the pipe: starts a contender's process and puts requests to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import ONE_THREAD

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).parents[2]


class ContenderError(Exception):
    """A contender failed, died or took too long; the message is the reason, for a row of the results."""


class Process:
    """A contender's process, which answers one request at a time.

    Args:
        python: of the contender's environment.
        name: of the contender.
        log: file for all that its libraries print.
    """

    def __init__(self, python: Path, name: str, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        # One thread, and its own caches beside its log; of its peers' packages it sees none.
        variables |= ONE_THREAD | {"PYTHONPATH": str(_ROOT), "TORCHINDUCTOR_CACHE_DIR": str(log.parent / "inductor")}
        with log.open("a") as stderr:
            self._process = subprocess.Popen(
                [str(python), "-m", "benchmarks.peers.worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=log.parent,
                env=variables,
                text=True,
                start_new_session=True,
            )

    def ask(self, do: str, *, seconds: float = 300, **arguments: Any) -> dict[str, Any]:
        """Puts a request (see `benchmarks.peers.worker`) and returns the answer.

        Raises:
            ContenderError: the contender failed; or it died, or took longer than ``seconds`` and was ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self._end()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if late.is_set():
            raise ContenderError(f"took longer than {seconds:.0f} s to {do}")
        if not line:
            raise ContenderError(f"its process ended while asked to {do}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContenderError(answer["error"])
        return answer

    def close(self) -> None:
        """Ends the process and what it has started."""
        self._end()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            # What was not read any more cannot be flushed either.
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self) -> None:
        # Its group is its own, since it was started in a session of its own.
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> str:
        code = self._process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return f"{how}; {lines[-1][:200]}" if lines else how
