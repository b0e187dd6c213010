"""The end of an ssh connection that is on the device: takes a job, runs it, sends the result, leaves nothing behind.

`ssc_deploy.profiling.targets.ssh_connection` sends this file to the device's ``python3`` and runs it there. So it
stands alone: the standard library only, and no syntax that Python 3.8 does not have.

What it reads: a line of JSON, ``{"nonce": ..., "size": ..., "arguments": [...], "patience": ...}``; then a tar archive
of ``size`` bytes, which is the job's folder; then, as a sign of life, a byte at least every ``patience`` seconds. What
it writes: lines ``<nonce> <JSON object>``, each with its ``event``: ``ready``; ``line``, which the runner printed;
``result``, followed by a tar archive of ``size`` bytes; ``failed``.

The folder is removed and the runner's processes are ended whatever happens: when the other end closes the connection,
goes silent, or is killed, and when this end is told to stop. Only where this process itself is killed by force does
the folder stay; the other end then removes it over a new connection.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib.util
import io
import json
import os
import platform
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path

#: Characters of the runner's standard error that are told when it fails, its end.
TAIL = 2000

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PR_SET_PDEATHSIG = 1


class JobError(Exception):
    """Ends the job; the other end makes a sentence of it."""

    def __init__(self, reason: str, **details: object) -> None:
        super().__init__(reason)
        self.event = {"event": "failed", "reason": reason, **details}


def main() -> int:
    """Carries out one job; 0 where its result was sent, 1 where not: either way the folder is gone."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    header = json.loads(sys.stdin.buffer.readline())
    nonce, folder = header["nonce"], None
    try:
        folder = Path(tempfile.mkdtemp(prefix="ssc-deploy-"))
        tell(nonce, {"event": "ready", "folder": str(folder)})
        receive(header["size"], folder)
        run(nonce, folder, header["arguments"], header["patience"])
        send(nonce, folder)
    except JobError as error:
        tell(nonce, {**error.event, **here()})
        return 1
    except OSError as error:
        reason = "full" if error.errno in _FULL else "system"
        tell(nonce, {"event": "failed", "reason": reason, "detail": error.strerror, **here()})
        return 1
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def here() -> dict[str, object]:
    """What the other end's sentences need to know about this device."""
    place = tempfile.gettempdir()
    return {"python": sys.executable, "place": place, "free": shutil.disk_usage(place).free}


def tell(nonce: str, event: dict[str, object]) -> None:
    """Writes an event."""
    write(f"{nonce} {json.dumps(event)}\n".encode())


def write(data: bytes) -> None:
    """Writes to the other end; where it is gone, nothing more is to be done."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        sys.exit(1)


def receive(size: int, folder: Path) -> None:
    """Unpacks the job: plain files, side by side in the folder."""
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        raise JobError("cut off")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            source = archive.extractfile(member)
            if source is not None:
                (folder / Path(member.name).name).write_bytes(source.read())


def run(nonce: str, folder: Path, arguments: list[str], patience: float) -> None:
    """Runs the runner to its end; ends it when the other end is gone, or silent for too long."""
    if importlib.util.find_spec("numpy") is None:
        raise JobError("no numpy", machine=platform.machine())
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        if hasattr(libc, "prctl"):
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    with tempfile.TemporaryFile(dir=folder) as errors:
        process = subprocess.Popen(
            [sys.executable, "runner.pyz", *arguments],
            cwd=folder,
            # In TMPDIR, because ONNX Runtime leaves a file of its telemetry there.
            env={**os.environ, "TMPDIR": str(folder), "SSC_DEPLOY_INSTALL": install()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # no other thread runs yet
        )

        def watch() -> None:
            # Blocks without waking up: the runner is measuring on these cores.
            while select.select([0], [], [], patience)[0] and os.read(0, 4096):
                pass
            kill(process)

        threading.Thread(target=watch, daemon=True).start()
        try:
            for line in process.stdout or ():
                tell(nonce, {"event": "line", "line": line.decode(errors="replace").rstrip()})
            code = process.wait()
        finally:
            kill(process)
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - TAIL))
        tail = errors.read().decode(errors="replace")
    if code:
        raise JobError("died", code=code, tail=tail)


def install() -> str:
    """The command that installs packages for this Python, except for their names.

    Today's Debian lets pip install nothing into its own Python; `ssh_connection` looks for the environment made here.
    """
    if sys.prefix != sys.base_prefix:
        return f"{shlex.quote(sys.executable)} -m pip install"
    return "python3 -m venv ~/.ssc-deploy && ~/.ssc-deploy/bin/python -m pip install numpy"


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the runner and the processes that it started; without effect where they have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def send(nonce: str, folder: Path) -> None:
    """Sends the result, and the outputs where the job asked for them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folder.iterdir()):
            if path.name == "result.json" or path.name.startswith("outputs"):
                archive.add(str(path), path.name)
    data = packed.getvalue()
    tell(nonce, {"event": "result", "size": len(data)})
    write(data)


if __name__ == "__main__":
    sys.exit(main())
