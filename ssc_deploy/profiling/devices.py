"""The devices that can be measured from this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.targets import adb_client
from ssc_deploy.profiling.targets.adb import Adb
from ssc_deploy.profiling.targets.protocol import Description

if TYPE_CHECKING:
    from collections.abc import Sequence


def devices(specs: Sequence[str] = ()) -> tuple[Description, ...]:
    """The devices that can be found, or those that are named. One that is not ready says what to do.

    Args:
        specs: devices, as `profile` takes them. Without any: this host, every phone that adb sees, and the emulator.
            Boards must be named, since they cannot be listed.

    Raises:
        TargetError: one is not spelled as a device.
    """
    if specs:
        return tuple(target.describe() for target in [targets.parse(spec) for spec in specs])
    host, qemu = targets.parse("host"), targets.parse("qemu:aarch64")
    return (host.describe(), *_phones(), qemu.describe())


def _phones() -> tuple[Description, ...]:
    try:
        phones = adb_client.phones()
    except TargetError as error:
        return (Description("adb", False, str(error)),)
    if not phones:
        return (Adb().describe(),)
    return tuple(Adb(phone.name).describe() for phone in phones)
