"""Programs outside Python that tests run, and the Debian packages that they come in.

A test that runs one is marked ``needs("sshd")``; `conftest` skips it where the program is missing. As a program,
``python3 tests/programs.py`` prints the Debian packages that are missing here, one a line. It needs Python alone.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Where this variable is set and not empty, a missing program is an error instead of a skip.
REQUIRE = "SSC_DEPLOY_TESTS_REQUIRE_PROGRAMS"

#: Of each program, the Debian packages that it needs to do its work.
PACKAGES = {
    "aarch64-linux-gnu-gcc": ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
    "adb": ("adb",),
    "apt-get": ("apt",),
    "clang": ("clang",),
    "dpkg-deb": ("dpkg",),
    "gcc": ("gcc", "libc6-dev"),
    "javac": ("openjdk-17-jdk-headless",),
    "mount": ("mount",),
    "mvn": ("maven",),
    "npm": ("npm",),
    "prlimit": ("util-linux",),
    "qemu-aarch64-static": ("qemu-user-static",),
    "readelf": ("binutils",),
    "setarch": ("util-linux",),
    "ssh": ("openssh-client",),
    "ssh-keygen": ("openssh-client",),
    "sshd": ("openssh-server",),
    "umount": ("mount",),
}

#: Programs that are no Debian packages, and what installs them.
OTHERS = {"uv": "pip install uv"}

#: What makes and runs the system of ``qemu:aarch64``.
ARM_SYSTEM = ("qemu-aarch64-static", "apt-get", "dpkg-deb")

#: What the app is built with.
APP = ("javac", "mvn", "npm")


def find(name: str) -> str | None:
    """The file of a program, or None where it is missing."""
    path = os.environ.get("PATH", os.defpath)
    if name == "javac" and (home := os.environ.get("JAVA_HOME")):
        path = os.path.join(home, "bin")  # noqa: PTH118 - as `ssc_deploy.android.jdk.find` looks for it
    # Debian installs sshd where only root's path leads.
    return shutil.which(name, path=os.pathsep.join([path, "/usr/sbin"]))


def lacking(names: Iterable[str]) -> str:
    """What is missing of these programs and what installs it, as a sentence; empty where all are here.

    Raises:
        KeyError: a name that stands neither in `PACKAGES` nor in `OTHERS`.
    """
    missing = [name for name in dict.fromkeys(names) if find(name) is None]
    packages = dict.fromkeys(package for name in missing if name not in OTHERS for package in PACKAGES[name])
    commands = [f"apt-get install {' '.join(packages)}"] if packages else []
    commands += [OTHERS[name] for name in missing if name in OTHERS]
    return f"{', '.join(missing)} not installed; install with: {'; '.join(commands)}" if missing else ""


if __name__ == "__main__":
    needed = {package for name, packages in PACKAGES.items() if find(name) is None for package in packages}
    sys.stdout.write("".join(f"{package}\n" for package in sorted(needed)))
