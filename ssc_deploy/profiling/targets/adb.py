"""A phone on a cable: ``adb[:SERIAL]`` runs the job in the demo app, as `app_contract` says.

Without the app, a runtime's own benchmark program can take its place (`benchmark_run`).
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.runner.contract import JOB_FILE, RESULT_FILE
from ssc_deploy.profiling.targets import adb_client, adb_install, app_contract
from ssc_deploy.profiling.targets.process import SILENCE
from ssc_deploy.profiling.targets.protocol import Description
from ssc_deploy.profiling.targets.reading import read_result
from ssc_deploy.storage.digests import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ssc_deploy.profiling.job import Job, Result
    from ssc_deploy.profiling.targets.adb_client import Device

#: Seconds between two looks at how far the app is: each wakes the phone a little.
_POLL = 2.0

#: Seconds that the app has to read its job.
_START = 60.0

_AS_APP = ("run-as", app_contract.PACKAGE)

#: What to do where the app is missing.
_INSTALL = (
    "build it with: ssc-deploy android build BUNDLE -o demo.apk, and name it with `app='demo.apk'`, or name a "
    "runtime's own benchmark program with `benchmark_binary`"
)

_AWAKE = ("global", "stay_on_while_plugged_in")


@dataclass(frozen=True)
class Adb:
    """A phone that adb reaches; see `ssc_deploy.profiling.targets.protocol.Target`.

    Attributes:
        name: of the phone, see `adb_client.Phone`; None for the only one.
        benchmark: a runtime's own benchmark program, a file here, to be used in place of the demo app.
        app: the demo app, a file here, to be installed for the time of a job; None for one that is installed.
    """

    name: str | None = None
    benchmark: Path | None = None
    app: Path | None = None
    untimed: None = field(default=None, init=False)

    @property
    def spec(self) -> str:
        """As the user writes it."""
        return "adb" if self.name is None else f"adb:{self.name}"

    def run(self, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job in the demo app, or with the benchmark program."""
        device = adb_client.choose(self.name)
        if self.benchmark is not None:
            from ssc_deploy.profiling.targets import benchmark_run

            with awake(device):
                return benchmark_run.run(device, self.benchmark, folder, job, progress)
        if self.app is not None:
            adb_install.check(self.app)
            progress(f"installing {self.app.name}")
            with adb_install.installed(device, self.app):
                return self._run_app(device, folder, job, progress)
        if not adb_install.is_there(device):
            raise TargetError(f"the demo app is not installed on {device}; {_INSTALL}")
        return self._run_app(device, folder, job, progress)

    def _run_app(self, device: Device, folder: Path, job: Job, progress: Callable[[str], None]) -> Result:
        """Runs the job in the app that is installed."""
        staging, place = adb_client.PLACE.format(nonce=job.nonce), f"{app_contract.JOBS}/{job.nonce}"
        with awake(device), adb_client.folder(device, staging), _job_folder(device, place):
            device.push([folder / name for name in (*job.files, JOB_FILE)], staging)
            device.shell("chmod", "-R", "a+rX", staging)
            device.shell(*_AS_APP, "cp", "-R", f"{staging}/.", place)
            _start(device, f"{place}/{JOB_FILE}")
            done = _wait(device, place, job, progress)
            return _bring(device, staging, place, folder=folder, job=job, status=done)

    def describe(self) -> Description:
        """The phone, without starting anything on it."""
        from ssc_deploy.profiling.targets import android_environment

        try:
            device = adb_client.choose(self.name)
            environment = android_environment.read(device)
            ready = adb_install.is_there(device)
        except TargetError as error:
            return Description(self.spec, False, str(error))
        app = "demo app installed" if ready else f"demo app not installed: {_INSTALL}"
        known = (environment.device, environment.processor, environment.machine, f"{environment.cores} cores", app)
        return Description(self.spec, ready, " · ".join(part for part in known if part), environment)


def parse(rest: str) -> Adb:
    """The target of ``adb[:SERIAL]``.

    Raises:
        TargetError: it is not a serial number.
    """
    # Serial numbers are free text: they hold blanks, brackets and colons.
    if rest and not (rest.isprintable() and rest == rest.strip() and not rest.startswith("-")):
        raise TargetError(f"{rest!r} is not a serial number of a phone; look at what adb devices lists")
    return Adb(rest or None)


@contextlib.contextmanager
def awake(device: Device) -> Iterator[None]:
    """Keeps the screen on meanwhile: a phone that sleeps slows its cores down. What was set before is set again."""
    before = device.shell("settings", "get", *_AWAKE).strip()
    device.shell("settings", "put", *_AWAKE, "7")  # on any kind of power
    try:
        device.attempt("input", "keyevent", "KEYCODE_WAKEUP")
        yield
    finally:
        restored = ["put", *_AWAKE, before] if before.isdigit() else ["delete", *_AWAKE]
        adb_client.afterwards(device, "the screen of {} may stay on while it is plugged in", "settings", *restored)


@contextlib.contextmanager
def _job_folder(device: Device, place: str) -> Iterator[None]:
    """A folder of the app, which is removed afterwards; the app is stopped first."""
    made = device.attempt(*_AS_APP, "mkdir", "-p", place)
    if made.returncode:
        raise TargetError(
            f"the demo app on {device} does not let adb at its files ({(made.stdout + made.stderr).strip()[-200:]}); "
            "install its debug build"
        )
    try:
        yield
    finally:
        adb_client.afterwards(device, "the demo app may still run on {}", "am", "force-stop", app_contract.PACKAGE)
        adb_client.afterwards(device, f"{place} may be left on {{}}", *_AS_APP, "rm", "-rf", place)


def _start(device: Device, job_file: str) -> None:
    done = device.attempt("am", "start", "-W", "-S", "-n", app_contract.ACTIVITY, "--es", app_contract.EXTRA, job_file)
    said = done.stdout + done.stderr
    refusal = re.search(r"^(?:Error|Exception)[^\n]*", said, re.MULTILINE)
    if done.returncode or refusal:
        raise TargetError(
            f"the demo app on {device} does not start ({refusal[0] if refusal else said.strip()[-200:]}); unlock the "
            "phone, and install the app again if that does not help"
        )


def _wait(device: Device, place: str, job: Job, progress: Callable[[str], None]) -> app_contract.Status:
    """Waits until the app says that it is done."""
    shown, changed = "", time.monotonic()
    while True:
        status = _status(device, place, job)
        if status is not None and status.state == app_contract.State.FAILED:
            raise TargetError(f"The job could not be done on {device}: {status.message.rstrip('.')}.")
        if status is not None and status.state == app_contract.State.DONE:
            return status
        if status is not None and status.line != shown:
            shown, changed = status.line, time.monotonic()
            progress("".join(character for character in shown if character.isprintable()))
        waited = time.monotonic() - changed
        if status is None and waited > _START:
            # Without the job's nonce the app writes no status: why it could not read the job stands on its screen.
            raise TargetError(
                f"the demo app on {device} has not begun after {_START:.0f} s; unlock the phone, and if the app says "
                "there that it is not done, do what it says: it could not read the job"
            )
        if waited > SILENCE:
            raise TargetError(f"the demo app on {device} has said nothing for {SILENCE:.0f} s and was stopped")
        # A last look at the status: it may have ended between the two.
        if not _runs(device) and _status(device, place, job) == status:
            raise TargetError(
                f"the demo app on {device} ended before the job was done, as it does when memory runs out or it "
                f"crashes; look at: {device.command} logcat -d"
            )
        time.sleep(_POLL)


def _runs(device: Device) -> bool:
    return bool(device.attempt("pidof", app_contract.PACKAGE).stdout.strip())


def _status(device: Device, place: str, job: Job) -> app_contract.Status | None:
    """What the app says; None if it has said nothing yet."""
    done = device.attempt(*_AS_APP, "cat", f"{place}/{app_contract.STATUS_FILE}")
    if done.returncode:
        return None
    try:
        status = app_contract.Status.from_dict(json.loads(done.stdout))
    except (ValueError, RecursionError) as error:
        raise TargetError(
            f"the demo app on {device} says what cannot be read ({error}); install the app of this version"
        ) from error
    if status.nonce != job.nonce:
        raise TargetError(f"the demo app on {device} speaks of another job; install the app of this version")
    return status


def _bring(device: Device, staging: str, place: str, *, folder: Path, job: Job, status: app_contract.Status) -> Result:
    """Copies the result here, and checks that it is what the app wrote."""
    with tempfile.TemporaryDirectory() as aside:
        copy = _copied(device, staging, f"{place}/{RESULT_FILE}", Path(aside))
        if sha256_of(copy) != status.result_sha256:
            raise TargetError(f"the result came damaged from {device}: its SHA-256 is another; run it again")
        shutil.move(copy, folder / RESULT_FILE)
        outputs = [f"outputs{index}.npz" for index in range(len(job.models))] if job.keep_outputs else []
        for name in outputs:
            if device.attempt(*_AS_APP, "test", "-f", f"{place}/{name}").returncode == 0:
                shutil.move(_copied(device, staging, f"{place}/{name}", Path(aside)), folder / name)
    return read_result(folder, job, str(device))


def _copied(device: Device, staging: str, source: str, folder: Path) -> Path:
    """A file of the app, brought here through a place that adb may read."""
    name = source.rpartition("/")[2]
    done = device.script(f"{shlex.join([*_AS_APP, 'cat', source])} > {shlex.quote(f'{staging}/{name}')}")
    if done.returncode:
        raise TargetError(f"{name} cannot be copied on {device}: {(done.stdout + done.stderr).strip()[-200:]}")
    device.pull(f"{staging}/{name}", folder / name)
    return folder / name
