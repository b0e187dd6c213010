"""Where jobs are run: one target a file, each made from what the user writes as ``--device``.

A target's module is imported when it is used. Its ``parse(rest)`` takes what follows the name: of
``ssh:pi@board`` the text ``pi@board``, empty if nothing does; it raises `TargetError` with the right spelling.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING

from ssc_deploy.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

    from ssc_deploy.profiling.targets.protocol import Target

#: How each is written, by its name: the module of that name in this folder holds it.
SPELLINGS = {
    "host": "host",
    "ssh": "ssh:USER@HOST[:PORT]",
    "adb": "adb[:SERIAL]",
    "qemu": "qemu:aarch64",
}


def parse(spec: str, *, benchmark: Path | None = None, app: Path | None = None) -> Target:
    """The target that a ``--device`` names; nothing is reached for.

    Args:
        spec: what the user writes.
        benchmark: a runtime's own benchmark program, to be used on a phone in place of the demo app.
        app: the demo app, to be installed on a phone for the time of a job.

    Raises:
        TargetError: there is no such target, it is spelled otherwise, or takes no program or app.
    """
    name, _, rest = spec.partition(":")
    if name not in SPELLINGS:
        raise TargetError(f"there is no device {spec!r}; write one of: {', '.join(SPELLINGS.values())}")
    target: Target = importlib.import_module(f"{__name__}.{name}").parse(rest)
    if benchmark is None and app is None:
        return target
    if benchmark is not None and app is not None:
        raise TargetError("a benchmark program takes the place of the app; give `benchmark_binary` or `app`")
    if name != "adb":
        what, name = ("an app", "`app`") if benchmark is None else ("a benchmark program", "`benchmark_binary`")
        raise TargetError(f"{what} is run on phones; use {name} with {SPELLINGS['adb']}")
    changed: Target = dataclasses.replace(target, benchmark=benchmark, app=app)  # type: ignore[type-var]  # an `Adb`
    return changed
