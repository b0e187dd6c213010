"""Digests that identify files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; the runner on devices has its own, since it imports nothing of this package."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
