"""One connection of the ``ssh`` that is installed here, with `remote_end` at its other end.

It is the user's own ssh: keys, agents, jump hosts, aliases and known hosts are what they are for the user. Nothing is
asked (BatchMode), and what ssh says when it fails becomes a sentence that says what to do.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import shlex
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.targets.process import SILENCE, Ended
from ssc_deploy.profiling.targets.reading import MAX_RESULT_BYTES
from ssc_deploy.storage import records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

#: Seconds between our signs of life, without one after which the other end takes us for gone, and for it to clean up.
_LIFE, _PATIENCE, _CLEAN_UP = 20.0, 90.0, 15.0

#: The user's own ControlMaster would keep standard error open beyond the connection.
_OPTIONS = (
    *("-T", "-a", "-x", "-e", "none"),
    *("-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"),
    *("-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "ClearAllForwardings=yes"),
)

#: Today's Debian lets pip install nothing into its own Python, so a virtual environment of ours is looked for first.
_START = """p="$HOME/.ssc-deploy/bin/python"; [ -x "$p" ] || p=python3; exec "$p" -c {program}"""
_INSTALL = "python3 -m venv ~/.ssc-deploy && ~/.ssc-deploy/bin/python -m pip install numpy onnxruntime ai-edge-litert"

#: Bytes of a line: the runner prints short ones.
_LINE = 1 << 20

#: All that `remote_end` may have called its folder.
_FOLDER = re.compile(r"/(?:[^\0\n]*/)?ssc-deploy-\w+")


@dataclass(frozen=True)
class Address:
    """Where a device is.

    Attributes:
        host: name or number, or an alias of the user's ssh configuration.
        user: None for the one that ssh takes.
        port: likewise.
    """

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")

    @property
    def options(self) -> list[str]:
        """Of ssh, to reach it: all but the host."""
        port = ["-p", str(self.port)] if self.port else []
        return [*port, *(["-l", self.user] if self.user else [])]

    @property
    def by_hand(self) -> str:
        """What a person types to get there."""
        return shlex.join([*(["-p", str(self.port)] if self.port else []), str(Address(self.host, self.user))])


@dataclass(frozen=True)
class _Event:
    """What `remote_end` tells; each kind of event has some of it.

    Attributes:
        event: ``ready``, ``line``, ``result`` or ``failed``.
        folder: that was made there.
        line: that the runner printed.
        size: bytes of the result that follows.
        reason: of a failure, in a word or two.
        detail: of it, in the system's words.
        python: the interpreter.
        code: of the runner that died.
        tail: of its standard error.
        place: where there is no room.
        free: bytes there.
    """

    event: str
    folder: str | None = None
    line: str = ""
    size: int = -1
    reason: str = "it does not say why"
    detail: str | None = None
    python: str = "its Python"
    code: int = -1
    tail: str = ""
    place: str = "its folder"
    free: int = 0


class Connection:
    """A context in which a device carries out one job.

    Args:
        address: of the device.

    Raises:
        TargetError: from its methods: the device cannot be reached, or the job not be run there.
    """

    def __init__(self, address: Address) -> None:
        self._address, self._nonce = address, secrets.token_hex(16)
        self._folder: str | None = None
        self._received, self._unsent, self._sent = b"", memoryview(b""), time.monotonic()

    def __enter__(self) -> Self:
        from ssc_deploy.profiling.targets import remote_end

        self._program = Path(remote_end.__file__).read_bytes()
        program = f"import sys; exec(sys.stdin.buffer.read({len(self._program)}))"
        command = shlex.join(["sh", "-c", _START.format(program=f'"{program}"')])
        self._errors = tempfile.TemporaryFile()
        # A session of its own: Ctrl-C is for us, who then end the connection in order.
        self._process = _start(self._address, command, self._errors.fileno(), start_new_session=True)
        os.set_blocking(self._stdin.fileno(), False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The end of what we send is what the other end cleans up after.
        with contextlib.suppress(OSError):
            self._stdin.close()
        if self._folder is None:
            # There is nothing to clean up over there, so a program that goes on printing is not waited for.
            self._stdout.close()
        try:
            code = self._process.wait(timeout=_CLEAN_UP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._stdout.close()
        self._errors.close()
        # 0 and 1 are its own exit codes, which it has once the folder is gone.
        if self._folder is not None and code not in {0, 1}:
            self._remove(self._folder)

    def do(self, packed: bytes, arguments: Sequence[str], progress: Callable[[str], None]) -> bytes:
        """Runs the runner over there.

        Args:
            packed: tar archive of what its folder is to hold.
            arguments: of the runner, whose folder is ``.``.
            progress: is called with each line that the runner prints.

        Returns:
            tar archive of the result.

        Raises:
            TargetError: it cannot be reached, or the job not be run there.
        """
        header = {
            "nonce": self._nonce,
            "size": len(packed),
            "arguments": list(arguments),
            "patience": _PATIENCE,
        }
        self._unsent = memoryview(self._program + json.dumps(header).encode() + b"\n" + packed)
        while True:
            event = self._event()
            if event.event == "ready":
                self._folder = event.folder
            elif event.event == "line":
                progress("".join(character for character in event.line if character.isprintable()))
            elif event.event == "failed":
                raise TargetError(self._failed(event))
            elif event.event == "result":
                return self._take(event.size)

    def _event(self) -> _Event:
        """The next event; what a login shell prints in between is passed over."""
        prefix = f"{self._nonce} ".encode()
        while True:
            line, end, rest = self._received.partition(b"\n")
            if not end:
                if len(line) > _LINE:
                    raise TargetError(f"{self._address} sends a line without an end; look at what its shell prints")
                self._receive()
                continue
            self._received = rest
            if line.startswith(prefix):
                try:
                    return records.decode(_Event, json.loads(line.removeprefix(prefix)))
                except (ValueError, RecursionError) as error:
                    raise TargetError(
                        f"{self._address} answers what this program does not understand ({error}); run it again"
                    ) from error

    def _take(self, size: int) -> bytes:
        """The bytes that follow an event."""
        if not 0 <= size <= 2 * MAX_RESULT_BYTES:
            raise TargetError(f"{self._address} wants to send {size:,} bytes, which is not a result; run it again")
        parts, missing = [self._received[:size]], size - len(self._received)
        self._received = self._received[size:]
        while missing > 0:
            self._receive()
            parts.append(self._received[:missing])
            missing -= len(self._received)
            self._received = self._received[len(parts[-1]) :]
        return b"".join(parts)

    def _receive(self) -> None:
        """Waits for more bytes. Meanwhile it sends what is to be sent, and signs of life after that.

        The other end may write before it has read all, and waits until that is read here.
        """
        until = time.monotonic() + SILENCE
        while True:
            if not self._unsent and time.monotonic() - self._sent > _LIFE:
                self._send(b"\n")
            readable, writable, _ = select.select([self._stdout], [self._stdin] if self._unsent else [], [], _LIFE)
            if writable:
                self._unsent = self._unsent[self._send(self._unsent) :]
                until = time.monotonic() + SILENCE
            if readable:
                break
            if time.monotonic() > until:
                raise TargetError(
                    f"{self._address} has said nothing for {SILENCE:.0f} s and was stopped; look whether it hangs"
                )
        data = os.read(self._stdout.fileno(), 1 << 20)
        if not data:
            raise TargetError(self._broken())
        self._received += data

    def _send(self, data: bytes | memoryview) -> int:
        """Sends as much as can be sent without waiting; returns how many bytes are done with."""
        self._sent = time.monotonic()
        try:
            return os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:  # it has ended already, and says why
            return len(data)

    @property
    def _stdin(self) -> Any:
        assert self._process.stdin is not None  # a pipe
        return self._process.stdin

    @property
    def _stdout(self) -> Any:
        assert self._process.stdout is not None  # a pipe
        return self._process.stdout

    def _failed(self, event: _Event) -> str:
        """What the other end says, as a sentence."""
        address, reason = self._address, event.reason
        if reason == "no numpy":
            return (
                f"{address} has no numpy for {event.python}; install it there, with the runtimes: {_INSTALL} "
                "(that environment is taken before python3)"
            )
        if reason == "died":
            ended = Ended(event.code, event.tail)
            full = re.search("No space left on device|File too large|Disk quota exceeded", ended.reason)
            if full:
                return self._full(event, full[0])
            memory = ", as the system does when memory runs out" if ended.code == -9 else ""
            return f"The job could not be done on {address}: {ended.reason}{memory}."
        if reason == "full":
            return self._full(event, event.detail or reason)
        return f"The job could not be done on {address}: {event.detail or reason}."

    def _full(self, event: _Event, detail: str) -> str:
        return (
            f"{self._address} has no room for the job in {event.place} ({detail}; {event.free / 1e6:.0f} MB free "
            "there): make room, or let TMPDIR name another folder there"
        )

    def _broken(self) -> str:
        """Why the connection ended before the result, as a sentence."""
        try:
            code = self._process.wait(timeout=_CLEAN_UP)
        except subprocess.TimeoutExpired:
            code = -1
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it says nothing"]
        if self._folder is not None:
            return (
                f"the connection to {self._address} broke off while the job ran ({lines[-1]}); look whether it is "
                "still on and has memory left, and run it again"
            )
        if code in {126, 127}:
            return f"{self._address} has no python3 ({lines[-1]}); install it there: apt-get install python3-venv"
        return _refused(self._address, said, lines)

    def _remove(self, folder: str) -> None:
        """Removes what the other end could not, over a new connection."""
        if _FOLDER.fullmatch(folder) and "/../" not in folder:
            with tempfile.TemporaryFile() as errors:
                process = _start(self._address, shlex.join(["rm", "-rf", folder]), errors.fileno())
                try:
                    process.communicate(timeout=2 * _CLEAN_UP)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
            if process.returncode == 0:
                return
        warnings.warn(f"{folder} may be left on {self._address}, which cannot be reached to remove it", stacklevel=2)


def _start(address: Address, command: str, errors: int, **options: Any) -> subprocess.Popen[bytes]:
    """Starts ssh.

    Raises:
        TargetError: it is not installed.
    """
    try:
        return subprocess.Popen(
            ["ssh", *_OPTIONS, *address.options, "--", address.host, command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "LC_ALL": "C"},
            **options,
        )
    except FileNotFoundError as error:
        raise TargetError("ssh is not installed; install it with: apt-get install openssh-client") from error


def _refused(address: Address, said: str, lines: Sequence[str]) -> str:
    """What ssh says of a connection that did not come about, as a sentence."""
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return (
            f"{address} is not the computer that it was: its host key has changed, and nothing was sent; if it was set "
            f"up again, forget the old key with: ssh-keygen -R {_known_as(address)}"
        )
    if "Host key verification failed" in said:
        return (
            f"the host key of {address} is not known here, and nothing was sent; connect once by hand and compare it: "
            f"ssh {address.by_hand}"
        )
    if "Permission denied" in said:
        return f"{address} refuses the keys that ssh has; bring yours there with: ssh-copy-id {address.by_hand}"
    return f"{address} cannot be reached ({lines[-1]}); look whether it is on, and whether ssh {address.by_hand} works"


def _known_as(address: Address) -> str:
    return shlex.quote(f"[{address.host}]:{address.port}" if address.port else address.host)
