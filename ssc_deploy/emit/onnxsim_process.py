"""A process that runs onnxsim on file after file, since to import it takes longer than what it does for a file.

It ends by itself when nothing has been asked for a while, or when this process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: What it runs. Torch, for other ways to quantise, sympy and rich, for a table that it prints, are not imported: with
#: them it takes six times as long. Standard output is for answers alone; what libraries print goes to standard error.
_PROGRAM = """
import json, os, select, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.modules.update(dict.fromkeys(("torch", "sympy", "rich")))
import onnx
import onnxsim
while select.select([0], [], [], float(sys.argv[1]))[0]:
    line = sys.stdin.readline()
    if not line:
        break
    source, result = json.loads(line)
    try:
        model, right = onnxsim.simplify(onnx.load(source))
        onnx.save(model, result)
        answer = None if right else "its own check of the result failed"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), file=answers, flush=True)
"""

#: Seconds without a question after which it ends.
_IDLE = 60


class _Process:
    """One running process, and what it was started with."""

    def __init__(self) -> None:
        self.owner, self.interpreter = os.getpid(), sys.executable
        self._errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # open while it runs
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
        try:
            self._popen = subprocess.Popen(
                [self.interpreter, "-I", "-c", _PROGRAM, str(_IDLE)], text=True, cwd=tempfile.gettempdir(), **pipes
            )
        except OSError:
            self._errors.close()
            raise

    def is_usable(self) -> bool:
        """Whether it runs, and was not started by another process, from which this one was forked."""
        return self.owner == os.getpid() and self.interpreter == sys.executable and self._popen.poll() is None

    def ask(self, question: object, timeout: float) -> str | None:
        """Its answer, a line; None where it ended instead.

        Raises:
            TimeoutError: it takes longer than ``timeout`` seconds.
        """
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        try:
            self._popen.stdin.write(json.dumps(question) + "\n")
            self._popen.stdin.flush()
        except OSError:  # a broken pipe: it has ended
            return None
        # An answer is one short line, which is written at once.
        if not select.select([self._popen.stdout], [], [], timeout)[0]:
            raise TimeoutError
        return self._popen.stdout.readline() or None

    def end(self, *, kill: bool = False) -> tuple[int, str]:
        """Ends it; returns its exit code, and the last line that it printed."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if not kill:
                self._popen.communicate(timeout=5)
        self._popen.kill()
        code = self._popen.wait()
        for pipe in filter(None, (self._popen.stdin, self._popen.stdout)):
            with contextlib.suppress(OSError):  # what was not written yet is lost with it
                pipe.close()
        with self._errors as errors:
            errors.seek(0)
            lines = errors.read().strip().splitlines()
        return code, lines[-1] if lines else "it said nothing"


class _Onnxsim:
    """The process, which is started when it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None
        atexit.register(self._end)

    def start(self) -> None:
        """Starts it where it does not run; a failure shows when it is asked."""
        with self._lock, contextlib.suppress(OSError):
            self._running()

    def simplify(self, source: Path, result: Path, timeout: float) -> str | None:
        """Simplifies a file; returns what went wrong, None if it worked.

        Args:
            source: the ``.onnx`` file.
            result: where the simplified one is written.
            timeout: in seconds.
        """
        with self._lock:
            while True:
                waited = self._process is not None
                try:
                    process = self._running()
                except OSError as error:
                    return f"onnxsim could not be started: {error}"
                try:
                    answer = process.ask((str(source), str(result)), timeout)
                except TimeoutError:
                    self._end(kill=True)
                    return f"onnxsim took longer than {timeout:g} s and was stopped"
                if answer is not None:
                    said = json.loads(answer)
                    return None if said is None else f"onnxsim failed: {said}"
                code, said = process.end()
                self._process = None
                if code or not waited:
                    return f"onnxsim failed with exit code {code}: {said}"
                # It had waited for too long, and ended just before it was asked: the next one has not.

    def _running(self) -> _Process:
        process = self._process
        if process is None or not process.is_usable():
            self._end()
            self._process = process = _Process()
        return process

    def _end(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        # After a fork it belongs to the other process.
        if process is not None and process.owner == os.getpid():
            process.end(kill=kill)


_onnxsim = _Onnxsim()
start = _onnxsim.start
simplify = _onnxsim.simplify
