"""Small files in which the system tells about itself."""

from __future__ import annotations

from pathlib import Path


def text(path: str | Path) -> str:
    """A small file without its end; empty if it is not there or not to be read."""
    try:
        return Path(path).read_bytes().decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


def number(path: str | Path) -> int | None:
    """The whole number that such a file holds; None if it holds none."""
    try:
        return int(text(path))
    except ValueError:
        return None
