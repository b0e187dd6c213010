"""Where jobs are run: one target a file, each made from what the user writes as ``--device``.

A target's module is imported when it is asked for. Its ``parse(rest)`` takes what stands behind the name: of
``ssh:pi@board`` the text ``pi@board``, empty where nothing does; it raises `TargetError` with the right spelling.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError

if TYPE_CHECKING:
    from ssc_deploy.profiling.targets.protocol import Target

#: How each is written, by its name: the module of that name in this folder holds it.
SPELLINGS = {
    "host": "host",
    "ssh": "ssh:USER@HOST[:PORT]",
    "adb": "adb[:SERIAL]",
    "qemu": "qemu:aarch64",
}


def parse(spec: str) -> Target:
    """The target that a ``--device`` names; nothing is reached for.

    Raises:
        TargetError: there is no such target, or it is spelled otherwise.
    """
    name, _, rest = spec.partition(":")
    if name not in SPELLINGS:
        raise TargetError(f"there is no device {spec!r}; write one of: {', '.join(SPELLINGS.values())}")
    target: Target = importlib.import_module(f"{__name__}.{name}").parse(rest)
    return target
