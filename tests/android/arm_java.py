"""A Java machine for aarch64 in a folder, run by qemu-user; made once and kept in the cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ssc_deploy.profiling.targets import qemu_root
from ssc_deploy.storage.cache import cache_folder, locked

#: libstdc++6 and zlib1g are what it links to.
PACKAGES = ("openjdk-17-jre-headless", "libstdc++6", "zlib1g")


@dataclass(frozen=True)
class ArmJava:
    """A Java machine for aarch64.

    Attributes:
        system: folder of its Debian packages.
    """

    system: Path

    def command(self, *arguments, environment):
        """What runs it with arguments; the variables are its own, not the emulator's."""
        java = self.system / "usr" / "lib" / "jvm" / "java-17-openjdk-arm64" / "bin" / "java"
        variables = [part for name, value in environment.items() for part in ("-E", f"{name}={value}")]
        return [qemu_root.emulator(), "-cpu", "max", "-L", self.system, *variables, java, *arguments]


def arm_java():
    """The Java machine; the first time about 65 MB are downloaded."""
    final = cache_folder() / "android" / "arm64-java-17"
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.with_name(f"{final.name}.lock")):
        if not final.exists():
            folder = Path(tempfile.mkdtemp(dir=final.parent))
            try:
                packages = qemu_root.download(folder / "apt", PACKAGES, "Java")
                qemu_root.unpack(packages, folder / "system")
                os.rename(folder / "system", final)  # noqa: PTH104 - a folder, in one step
            finally:
                shutil.rmtree(folder)
    return ArmJava(final)
