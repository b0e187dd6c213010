"""What a phone tells adb about itself: its properties, its cores' governors and frequencies, its temperatures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ssc_deploy.profiling.job import Environment, Snapshot

if TYPE_CHECKING:
    from ssc_deploy.profiling.targets.adb_client import Device

#: One line a fact, ``name=value``; what this phone does not tell has no value.
_FACTS = """
for name in ro.product.manufacturer ro.product.model ro.soc.manufacturer ro.soc.model ro.board.platform \
ro.product.cpu.abi ro.product.cpu.abilist ro.build.version.release ro.build.version.sdk; do
echo "$name=$(getprop $name)"; done
echo "machine=$(uname -m)"; echo "cores=$(nproc)"; echo "memory=$(grep MemTotal: /proc/meminfo)"
"""

#: One line a core, a thermal zone, and the rest; many phones let no shell read some of them.
_STATE = """
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
echo "core ${cpu##*/cpu} $(cat $cpu/cpufreq/scaling_cur_freq) $(cat $cpu/cpufreq/scaling_governor)"; done 2>/dev/null
for zone in /sys/class/thermal/thermal_zone*; do echo "zone $(cat $zone/temp) $(cat $zone/type)"; done 2>/dev/null
echo "load $(cat /proc/loadavg)" 2>/dev/null; echo "time $(date +%s)"
"""


def facts(device: Device) -> dict[str, str]:
    """Properties by their names, ``machine``, ``cores`` and ``memory``; what the phone does not tell is not there.

    Raises:
        TargetError: it is gone or does not answer.
    """
    pairs = (line.partition("=") for line in device.script(_FACTS).stdout.splitlines())
    return {name: value.strip() for name, _, value in pairs if value.strip()}


def read(device: Device) -> Environment:
    """The phone, without what may be installed on it.

    Raises:
        TargetError: it is gone or does not answer.
    """
    told = facts(device)

    def joined(*names: str) -> str:
        return " ".join(told[name] for name in names if name in told)

    memory = re.search(r"(\d+) kB", told.get("memory", ""))
    return Environment(
        device=joined("ro.product.manufacturer", "ro.product.model"),
        processor=joined("ro.soc.manufacturer", "ro.soc.model") or told.get("ro.board.platform", ""),
        machine=told.get("machine", ""),
        cores=int(told["cores"]) if told.get("cores", "").isdigit() else 0,
        memory_bytes=int(memory[1]) * 1024 if memory else None,
        system=f"Android {told.get('ro.build.version.release', '')} (API {told.get('ro.build.version.sdk', '?')})",
        runner="adb",
        runtimes={},
    )


def snapshot(device: Device) -> Snapshot:
    """The state of the phone now.

    Raises:
        TargetError: it is gone or does not answer.
    """
    governors, frequencies, temperatures, load, now = {}, {}, {}, None, 0.0
    for line in device.script(_STATE).stdout.splitlines():
        if core := re.fullmatch(r"core (\d+) (\d+) (\S+)", line):
            frequencies[core[1]], governors[core[1]] = int(core[2]), core[3]
        elif zone := re.fullmatch(r"zone (-?\d+) (\S.*)", line):
            temperatures[zone[2]] = int(zone[1]) / 1000
        elif average := re.match(r"load ([\d.]+)", line):
            load = float(average[1])
        elif seconds := re.fullmatch(r"time (\d+)", line):
            now = float(seconds[1])
    return Snapshot(now, load, governors, frequencies, temperatures)
