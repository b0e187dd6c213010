"""Installs the demo app on a phone for the time of a job.

An app that was there before is updated and stays; one that was not is removed again afterwards.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
from typing import TYPE_CHECKING

from ssc_deploy import golden
from ssc_deploy.errors import TargetError
from ssc_deploy.profiling.targets import adb_client, app_contract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ssc_deploy.profiling.targets.adb_client import Device

_MANIFEST = "AndroidManifest.xml"
_MOST_MANIFEST = 1_000_000

#: What to do about Android's reasons to refuse an app.
_REMEDIES = {
    "UPDATE_INCOMPATIBLE": "an app of that name with another signature is there; remove it with: "
    "{adb} uninstall " + app_contract.PACKAGE,
    "VERSION_DOWNGRADE": "a newer one is there; remove it with: {adb} uninstall " + app_contract.PACKAGE,
    "INSUFFICIENT_STORAGE": "it has no room for it; free some on it",
    "NO_MATCHING_ABIS": "its processor is of another kind; build it for that of the phone, with `abis`",
    "OLDER_SDK": "its Android is older than 8.0, which the app needs",
    "TEST_ONLY": "it takes no test builds; build the app without testOnly",
    "USER_RESTRICTED": "allow the installation on its screen, or switch on Install via USB in its developer options",
    "VERIFICATION_FAILURE": "switch off Verify apps over USB in its developer options, or allow it on its screen",
    "ABORTED": "allow the installation on its screen",
}


def check(apk: Path) -> None:
    """Looks at a file before it is installed anywhere.

    Raises:
        TargetError: it is not there, or not the demo app.
    """
    if not apk.is_file():
        raise TargetError(f"{apk} is not there; build the demo app with: ssc-deploy android build BUNDLE -o demo.apk")
    try:
        with zipfile.ZipFile(apk) as archive, archive.open(_MANIFEST) as file:
            manifest = file.read(_MOST_MANIFEST)
    except OSError as error:
        raise TargetError(f"{apk} cannot be read: {error.strerror or error}") from error
    except golden.DAMAGES as error:
        raise TargetError(f"{apk} is not a whole Android app; build it again") from error
    # Android's binary form keeps texts as they are, in one of two encodings.
    if not any(app_contract.PACKAGE.encode(encoding) in manifest for encoding in ("utf-8", "utf-16-le")):
        raise TargetError(f"{apk} is not the demo app ({app_contract.PACKAGE}), and is not installed")


@contextlib.contextmanager
def installed(device: Device, apk: Path) -> Iterator[None]:
    """Installs the app, in place of an older one with its data.

    Raises:
        TargetError: it is no such app, or the phone does not take it.
    """
    check(apk)
    before = is_there(device)
    done = device.install(apk)
    said = done.stdout + done.stderr
    if done.returncode or "Failure" in said:
        raise TargetError(f"{device} does not take {apk.name}: {_refusal(device, said)}")
    try:
        yield
    finally:
        if not before:
            remove = ("pm", "uninstall", app_contract.PACKAGE)
            adb_client.afterwards(device, "the demo app may still be installed on {}", *remove)


def is_there(device: Device) -> bool:
    """Whether the demo app is installed."""
    return device.attempt("pm", "path", app_contract.PACKAGE).stdout.startswith("package:")


def _refusal(device: Device, said: str) -> str:
    reason = re.search(r"INSTALL_(?:PARSE_)?FAILED_(\w+)[^\]\n]*", said)
    remedy = _REMEDIES.get(reason[1]) if reason else None
    if remedy is not None:
        return remedy.format(adb=device.command)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it does not say why"]
    return f"{reason[0] if reason else lines[-1]}"[:200]
