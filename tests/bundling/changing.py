"""Changes a bundle as somebody who knows the format would."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())


def write(folder: Path, value: Any) -> None:
    (folder / "model.json").write_text(json.dumps(value))


def sealed(folder: Path, **changes: Any) -> Path:
    """Gives the bundle new values at the top of model.json, and the hashes that its files have now."""
    value = {**manifest(folder), **changes}
    there = [path for path in folder.rglob("*") if path.is_file() and path.name != "model.json"]
    value["files"] = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in there
    }
    write(folder, value)
    return folder


def zipped(folder: Path, target: Path, *more: tuple[str, bytes], without: str = "") -> Path:
    """The bundle as a zip, with more entries or without one; these alone are compressed, which takes long."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != without:
                archive.write(path, name, zipfile.ZIP_STORED)
        for name, data in more:
            archive.writestr(name, data)
    return target
