"""Files of the contenders, made once and kept: a conversion may take minutes, and a run of all must not wait for it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import inspect
import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import networks, shift_networks
from benchmarks.peers import contender, environments, net, ours
from benchmarks.peers.contender import Kind
from benchmarks.peers.host import ContenderError, Process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.peers.net import Net

#: Longest that a conversion may take, in seconds.
_PATIENCE = 1200

_PACKAGE = Path(__file__).parents[2] / "ssc_deploy"


@dataclass(frozen=True)
class Converted:
    """A conversion that was carried out, or the reason why it was not.

    Attributes:
        file: what the contender loads; None where it failed.
        seconds: CPU time of the conversion; None where it failed.
        reason: why it failed; else empty.
    """

    file: str | None
    seconds: float | None
    reason: str = ""


@dataclass(frozen=True)
class Workshop:
    """Where conversions of one network happen.

    Attributes:
        net: the network.
        weights: its state dict.
        fingerprint: of the weights.
        cache: folder of environments and files.
    """

    net: Net
    weights: Path
    fingerprint: str
    cache: Path

    def convert(self, name: str, variant: str) -> Converted:
        """The file of a contender's variant: from the cache, or made now.

        A conversion that failed is remembered as well; it would fail again.
        """
        module = contender.module(name)
        about = module.CONTENDER
        if about.converted_by is not None:
            return self.convert(about.converted_by, variant)
        source = None
        if about.converted_from is not None:
            before = self.convert(about.converted_from, variant)
            if before.file is None:
                return Converted(None, None, f"needs the file of {about.converted_from}: {before.reason}")
            source = before.file
        folder = self.cache.absolute() / "files" / self.net.name / name / re.sub(r"\W+", "-", variant)
        with _alone(folder):
            return self._convert(name, variant, source, folder)

    def _convert(self, name: str, variant: str, source: str | None, folder: Path) -> Converted:
        options = variants(name, self.net)[variant]
        about = contender.module(name).CONTENDER
        key = self._key(name, options, source)
        kept = folder / "converted.json"
        if kept.exists():
            content = json.loads(kept.read_text())
            if content["key"] == key:
                return Converted(**content["converted"])
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        job = contender.Job(self.net, self.weights, options, folder, None if source is None else Path(source))
        try:
            python = environments.python(about.environment, self.cache)
        except environments.EnvironmentUnavailableError as error:
            # Not kept: another day it may be there.
            return Converted(None, None, str(error))
        try:
            with Process(python, name, folder / "convert.log") as process:
                answer = process.ask("convert", seconds=_PATIENCE, job=json.loads(json.dumps(asdict(job), default=str)))
            converted = Converted(answer["file"], answer["seconds"])
        except ContenderError as error:
            converted = Converted(None, None, str(error))
        kept.write_text(json.dumps({"key": key, "converted": asdict(converted)}))
        return converted

    def _key(self, name: str, options: Mapping[str, str], source: str | None) -> str:
        """Of all that a file depends on."""
        module = contender.module(name)
        about = module.CONTENDER
        parts = [self.fingerprint, json.dumps([asdict(self.net), dict(options)])]
        parts += [inspect.getsource(part) for part in (module.convert, networks, shift_networks, net)]
        if about.environment == environments.OWN:
            parts += [f"{package}=={importlib.metadata.version(package)}" for package in about.packages]
        else:
            parts += environments.ENVIRONMENTS[about.environment].requirements
        if about.kind is Kind.OURS:
            parts += [inspect.getsource(ours), *(path.read_text() for path in sorted(_PACKAGE.rglob("*.py")))]
        if source is not None:
            parts.append(hashlib.sha256(Path(source).read_bytes()).hexdigest())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other runs with the same cache from making the same files meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def variants(name: str, net_: Net) -> dict[str, Mapping[str, str]]:
    """The variants of a contender for a network; where there is no shift, those that differ in its spelling are one."""
    known = dict(contender.module(name).CONTENDER.variants)
    if net.has_shifts(net_):
        return known
    (spelling, depthwise), *_ = contender.DEPTHWISE.items()
    return {
        variant.removeprefix(spelling).removeprefix(", ") or "as it is": options
        for variant, options in known.items()
        if options.get("shift", depthwise["shift"]) == depthwise["shift"]
    }
