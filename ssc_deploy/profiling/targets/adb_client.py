"""The ``adb`` that is installed here: which phones are there, and commands and files for one of them.

What goes wrong with a phone is in words of adb's own, and differs little from version to version: each becomes a
sentence that says what to do. Every call has a time-out, since a phone may be unplugged at any moment.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError, parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Seconds for a command, and for the server of adb to start.
_PATIENCE = 60.0

#: A folder of a job, where every Android lets its shell write files and run programs.
PLACE = "/data/local/tmp/ssc-deploy-{nonce}"

#: Bytes a second that a slow cable carries.
_SLOW = 500_000

#: What to do about a phone that is there and cannot be used, by adb's word for its state.
_REMEDIES = {
    "unauthorized": "unlock it and allow USB debugging for this computer on its screen",
    "authorizing": "unlock it and allow USB debugging for this computer on its screen",
    "offline": "unplug it and plug it in again, or run: adb reconnect offline",
    "connecting": "wait a moment, or run: adb reconnect",
    "no permissions": "this user may not use the USB device; install its rules with: apt-get install "
    "android-sdk-platform-tools-common, and plug it in again",
    "recovery": "start its normal system with: adb reboot",
    "sideload": "start its normal system with: adb reboot",
    "bootloader": "start its normal system with: fastboot reboot",
}


#: What adb lists in place of a serial number that a phone does not have.
_NO_SERIAL = "(no serial number)"
_TRANSPORT = "transport_id:"

#: A line of ``adb devices -l``: ``SERIAL  state  usb:1-1 product:p model:Pixel_8 transport_id:3``. Serial numbers hold
#: blanks ("adb-R5CT-AbCd (2)._adb-tls-connect._tcp"), brackets and colons (IPv6 addresses); so does one of the states
#: ("no permissions (are your udev rules wrong?); see [...]"). So the line is read from its end. After the state some
#: builds of adb write the USB path alone, "1-1.4".
_LISTED = re.compile(r"(\S.*?)\s+(no permissions\b.*?|no device|[a-z]+)(?:\s+\d+-[\d.]+)?((?:\s+[a-z_]+:\S*)*)\s*")


@dataclass(frozen=True)
class Phone:
    """A phone that adb sees.

    Attributes:
        name: its serial number; ``transport_id:N`` for a phone that has none.
        state: adb's word, ``"device"`` for one that can be used.
        model: as it calls itself; empty where adb does not say.
    """

    name: str
    state: str
    model: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be used."""
        return self.state == "device"

    @property
    def remedy(self) -> str:
        """What to do about one that cannot be used."""
        return _REMEDIES.get(self.state, "look at its screen, and unplug it and plug it in again")


def program() -> str:
    """The path of adb.

    Raises:
        TargetError: it is not installed.
    """
    found = shutil.which("adb")
    if found is None:
        raise TargetError("adb is not installed; install it with: apt-get install adb")
    return found


def phones() -> tuple[Phone, ...]:
    """The phones that adb sees, whatever their state.

    Raises:
        TargetError: adb is not installed or does not answer.
    """
    done = _run([program(), "devices", "-l"], "adb", _PATIENCE)
    if done.returncode:
        raise TargetError(f"adb does not list phones: {_reason(done)}")
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("*", "List of"))]
    return tuple(phone for line in lines if (phone := _listed(line)) is not None)


def _listed(line: str) -> Phone | None:
    """The phone of a line of ``adb devices -l``; None if the line is of something else."""
    match = _LISTED.fullmatch(line)
    if match is None:
        return None
    serial, state, rest = match.groups()
    facts = dict(fact.split(":", 1) for fact in rest.split())
    transport = facts.get("transport_id", "")
    name = f"{_TRANSPORT}{transport}" if serial == _NO_SERIAL and transport else serial
    state = "no permissions" if state.startswith("no permissions") else state
    return Phone(name, state, facts.get("model", "").replace("_", " "))


def choose(name: str | None) -> Device:
    """The phone to use.

    Args:
        name: of the phone, see `Phone`; None for the only one.

    Raises:
        TargetError: it is not there or cannot be used, or there are several.
    """
    there = phones()
    if name is not None:
        named = [phone for phone in there if phone.name == name]
        if not named:
            known = ", ".join(phone.name for phone in there) or "none"
            raise TargetError(f"adb sees no phone {name!r}; it sees: {known}")
        phone = named[0]
    else:
        ready = [phone for phone in there if phone.ready]
        if len(ready) > 1:
            spellings = " or ".join(parameter("device", f"adb:{phone.name}") for phone in ready)
            raise TargetError(f"adb sees {len(ready)} phones; say which with {spellings}")
        if not there:
            raise TargetError(
                "adb sees no phone; connect one by USB, switch on USB debugging in its developer options, and allow "
                "this computer on its screen"
            )
        phone = (ready or there)[0]
    if not phone.ready:
        raise TargetError(f"the phone {phone.name} is {phone.state}: {phone.remedy}")
    return Device(phone.name)


class Device:
    """One phone, and what can be done with it.

    Args:
        name: of the phone, see `Phone`.

    Raises:
        TargetError: from all methods: it is gone, does not answer, or refuses.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        if name.startswith(_TRANSPORT):
            self._selected = ["-t", name.removeprefix(_TRANSPORT)]
        else:
            self._selected = ["-s", name]
        self._adb = [program(), *self._selected]

    def __str__(self) -> str:
        return f"the phone {self.name}"

    @property
    def command(self) -> str:
        """How the user calls adb for this phone, quoted for a shell: ``adb -s R5CT``."""
        return shlex.join(["adb", *self._selected])

    def shell(self, *command: str, patience: float = _PATIENCE) -> str:
        """Runs a command there; what it prints.

        Args:
            command: program and arguments, each passed on as it is.
            patience: seconds to wait.

        Raises:
            TargetError: as above, or the command fails.
        """
        done = self.attempt(*command, patience=patience)
        if done.returncode:
            raise TargetError(f"{self} refuses {command[0]}: {_reason(done)}")
        return done.stdout

    def attempt(self, *command: str, patience: float = _PATIENCE) -> subprocess.CompletedProcess[str]:
        """Runs a command there that may fail; its exit code and what it printed."""
        return self.script(shlex.join(command), patience=patience)

    def script(self, text: str, *, patience: float = _PATIENCE) -> subprocess.CompletedProcess[str]:
        """Runs a line of its shell; exit code and what it printed."""
        return self._checked(["shell", text], patience)

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """Copies files into a folder there, under their own names."""
        for source in sources:
            patience = _PATIENCE + source.stat().st_size / _SLOW
            done = self._checked(["push", str(source), f"{folder}/{source.name}"], patience)
            if done.returncode:
                self._refuse_copy(done, source.name, folder)

    def install(self, apk: Path) -> subprocess.CompletedProcess[str]:
        """Installs an app, a test build as well, in place of an older one; what adb says about it."""
        # The phone may look the app through before it takes it.
        patience = 5 * _PATIENCE + apk.stat().st_size / _SLOW
        return self._checked(["install", "-r", "-t", str(apk)], patience)

    def pull(self, source: str, target: Path) -> None:
        """Copies a file from there."""
        done = self._checked(["pull", source, str(target)], 10 * _PATIENCE)
        if done.returncode:
            raise TargetError(f"{source} cannot be copied from {self}: {_reason(done)}")

    def _refuse_copy(self, done: subprocess.CompletedProcess[str], name: str, folder: str) -> None:
        reason = _reason(done)
        if "No space left" in reason:
            raise TargetError(f"{self} has no room for {name} in {folder} (No space left on device); free some on it")
        raise TargetError(f"{name} cannot be copied to {folder} on {self}: {reason}")

    def _checked(self, arguments: Sequence[str], patience: float) -> subprocess.CompletedProcess[str]:
        done = _run([*self._adb, *arguments], str(self), patience)
        said = done.stderr + done.stdout if done.returncode else ""
        if re.search(r"device '.*' not found|no devices/emulators found|error: closed|device still connecting", said):
            raise TargetError(f"{self} is gone; look at the cable, keep it plugged in, and run it again")
        for state in ("unauthorized", "offline"):
            if re.search(rf"error: device {state}", said):
                raise TargetError(f"{self} is {state}: {_REMEDIES[state]}")
        return done


@contextlib.contextmanager
def folder(device: Device, place: str) -> Iterator[None]:
    """A folder there, which is removed afterwards.

    Raises:
        TargetError: it cannot be made.
    """
    device.shell("mkdir", "-p", place)
    try:
        yield
    finally:
        afterwards(device, f"{place} may be left on {{}}", "rm", "-rf", place)


def afterwards(device: Device, said: str, *command: str) -> None:
    """Cleans up where the phone is still there, and warns of what remains where it is not.

    Args:
        device: the phone.
        said: what remains, with braces in place of the phone.
        command: that cleans up.
    """
    try:
        device.shell(*command)
    except TargetError:
        warnings.warn(f"{said.format(device)}, which does not answer any more", stacklevel=4)


def _run(command: Sequence[str], where: str, patience: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(
            f"{where} has not answered adb for {patience:.0f} s; unplug the phone and plug it in again, or run: "
            "adb kill-server"
        ) from error
    except OSError as error:
        raise TargetError(
            f"{command[0]} cannot be run ({error.strerror}); install it again with: apt-get install adb"
        ) from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that a failed call says."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("*")] or [f"exit code {done.returncode}"]
    return re.sub(r"^(adb: )?error: ", "", lines[-1]).rstrip(".")
