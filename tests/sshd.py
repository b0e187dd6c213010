"""A real OpenSSH server on loopback, and the user's ssh as its user has set it up."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import programs
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a test with a board runs, for its mark ``needs``.
PROGRAMS = ("ssh", "ssh-keygen", "sshd")


@dataclass
class Board:
    """A computer to be reached: this one, through ssh.

    Attributes:
        folder: of keys and settings.
        home: where a job may put its folder over there (its TMPDIR).
        variables: that sessions over there have.
        limits: of the server and so of its sessions, as prlimit has them.
        port: it listens on.
    """

    folder: Path
    home: Path = field(init=False)
    variables: dict[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    port: int = 0

    def __post_init__(self) -> None:
        self.home = self.folder / "temporary files"
        self.home.mkdir(parents=True)
        for name in ("host", "user", "stranger"):
            key(self.folder / name)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        self.variables["TMPDIR"] = str(self.home)
        self.python([sys.executable])

    @property
    def spec(self) -> str:
        return f"ssh:{getpass.getuser()}@127.0.0.1:{self.port}"

    def python(self, command: list[str]) -> None:
        """Decides what ``python3`` is over there."""
        place = self.folder / "bin"
        place.mkdir(exist_ok=True)
        quoted = " ".join(f"'{part}'" for part in command)
        (place / "python3").write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        (place / "python3").chmod(0o755)
        self.variables["PATH"] = f"{place}:/usr/bin:/bin"
        self.variables["HOME"] = str(self.folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Runs the server meanwhile, and knows its host key."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to run as root without it
        server = self._start()
        try:
            self.know("host")
            yield
        finally:
            server.terminate()
            server.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        """The server, once it listens; on another port where somebody took the first one meanwhile."""
        log = self.folder / "sshd.log"
        while True:
            self.port = free_port()
            server = self._start_on_port()
            wait_for(lambda server=server: server.poll() is not None or "Server listening on" in log.read_text())
            if server.poll() is None:
                return server
            assert "Address already in use" in log.read_text(), log.read_text()

    def _start_on_port(self) -> subprocess.Popen[bytes]:
        settings = f"""
            ListenAddress 127.0.0.1:{self.port}
            HostKey {self.folder / "host"}
            AuthorizedKeysFile {self.folder / "authorized_keys"}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            PrintMotd no
            SetEnv {" ".join(f'"{name}={value}"' for name, value in self.variables.items())}
        """
        (self.folder / "sshd_config").write_text("".join(f"{line.strip()}\n" for line in settings.splitlines()))
        command = [*self.limits, programs.find("sshd"), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("w") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def know(self, name: str) -> None:
        """Takes a key for that of the host."""
        kind, public, *_ = (self.folder / f"{name}.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {public}\n")

    def client(self, identity: str = "user") -> Path:
        """A folder for the front of the path: the ssh that is installed, with a user's settings in place of ours."""
        folder = self.folder / f"client of {identity}"
        folder.mkdir()
        (folder / "config").write_text(
            f'Host *\n IdentityFile "{self.folder / identity}"\n IdentitiesOnly yes\n IdentityAgent none\n'
            f' UserKnownHostsFile "{self.folder / "known_hosts"}"\n GlobalKnownHostsFile none\n'
        )
        ssh = programs.find("ssh")
        (folder / "ssh").write_text(f"#!/bin/sh\nexec '{ssh}' -F '{folder / 'config'}' \"$@\"\n")
        (folder / "ssh").chmod(0o755)
        return folder

    def left(self) -> list[str]:
        """What is still there of a job."""
        return [path.name for path in self.home.iterdir()]


def key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens meanwhile, since it is kept."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
