"""The memory of the device and of this process; None if the system does not tell."""

from __future__ import annotations

from . import system


def device_bytes() -> int | None:
    """Memory of the device."""
    return _line("/proc/meminfo", "MemTotal")


def peak_bytes() -> int | None:
    """Resident memory of this process at most."""
    # Not getrusage: what it tells outlives exec, so that a child starts with its parent's peak.
    return _line("/proc/self/status", "VmHWM")


def _line(path: str, name: str) -> int | None:
    """The bytes of a line ``name:   1234 kB``."""
    for line in system.text(path).splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None
