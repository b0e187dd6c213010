"""The device: what it is, and in which state."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import memory, system
from .cores import affinity
from .runtimes import LITERT_PACKAGES, ONNX_PACKAGE

if TYPE_CHECKING:
    from .formats import Environment, Snapshot

#: Of /proc/cpuinfo on ARM: "CPU part" of implementer 0x41.
_ARM_PARTS = {
    "0xc07": "Cortex-A7", "0xc0f": "Cortex-A15", "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1", "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710", "0xd48": "Cortex-X2", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3", "0xd40": "Neoverse-V1",
    "0xd49": "Neoverse-N2", "0xd80": "Cortex-A520", "0xd81": "Cortex-A720", "0xd82": "Cortex-X4",
}  # fmt: skip


def environment() -> Environment:
    """The device and what runs on it."""
    return {
        "device": system.text("/proc/device-tree/model") or system.text("/sys/class/dmi/id/product_name"),
        "processor": _processor(),
        "machine": platform.machine(),
        "cores": len(affinity()) or os.cpu_count() or 1,
        "memory_bytes": memory.device_bytes(),
        "system": f"{platform.system()} {platform.release()}",
        "runner": f"Python {platform.python_version()}, numpy {np.__version__}",
        "runtimes": _installed(),
    }


def snapshot() -> Snapshot:
    """The state of the device now."""
    governors: dict[str, str] = {}
    frequencies: dict[str, int] = {}
    temperatures: dict[str, float] = {}
    for folder in sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq")):
        core = folder.parent.name[len("cpu") :]
        governor, frequency = system.text(folder / "scaling_governor"), system.number(folder / "scaling_cur_freq")
        if governor:
            governors[core] = governor
        if frequency is not None:
            frequencies[core] = frequency
    for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*")):
        millidegrees = system.number(zone / "temp")
        if millidegrees is not None:
            kind = system.text(zone / "type") or zone.name
            temperatures[kind if kind not in temperatures else zone.name] = millidegrees / 1000
    return {
        "unix_time": time.time(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "governor": governors,
        "frequency_khz": frequencies,
        "temperature_c": temperatures,
    }


def _processor() -> str:
    fields: dict[str, list[str]] = {}
    for line in system.text("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), []).append(value.strip())
    parts = [_ARM_PARTS.get(part, "ARM part " + part) for part in fields.get("CPU part", [])]
    kinds = [f"{parts.count(part)} x {part}" for part in sorted(set(parts))]
    return (fields.get("model name") or [" + ".join(kinds) or platform.processor()])[0]


def _installed() -> dict[str, str]:
    """Versions of the runtimes that are there, by the names of their packages."""
    packages = (ONNX_PACKAGE, *(package for package, _ in LITERT_PACKAGES))
    versions = ((package, _version(package)) for package in packages)
    return {package: version for package, version in versions if version is not None}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
