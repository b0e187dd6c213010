"""A real OpenSSH server on loopback, and the user's ssh as its user has set it up."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Installed by Debian where only root's path leads.
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "sshd is not installed"
SSH = shutil.which("ssh") or "ssh is not installed"


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
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        quoted = " ".join(f"'{part}'" for part in command)
        (programs / "python3").write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        (programs / "python3").chmod(0o755)
        self.variables["PATH"] = f"{programs}:/usr/bin:/bin"
        self.variables["HOME"] = str(self.folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Runs the server meanwhile, and knows its host key."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to run as root without it
        self.port = self.port or free_port()
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
        command = [*self.limits, SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("w") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 20
            while not listens(self.port):
                assert server.poll() is None, (self.folder / "sshd.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            self.know("host")
            yield
        finally:
            server.terminate()
            server.wait(10)

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
        (folder / "ssh").write_text(f"#!/bin/sh\nexec '{SSH}' -F '{folder / 'config'}' \"$@\"\n")
        (folder / "ssh").chmod(0o755)
        return folder

    def left(self) -> list[str]:
        """What is still there of a job."""
        return [path.name for path in self.home.iterdir()]


def key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
