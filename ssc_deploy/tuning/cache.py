"""All measurements, one file for each, from which an interrupted run continues."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ssc_deploy.profiling.job import read_json
from ssc_deploy.storage import files, records
from ssc_deploy.tuning.comparison import Comparison

if TYPE_CHECKING:
    from pathlib import Path


#: Version of the files; a rise makes all older measurements be taken again.
VERSION = 1


class Cache:
    """A folder of comparisons, each by all that it depends on.

    Args:
        folder: is made when the first one is kept.
        read: whether what is there is used; new ones are kept in either case.
    """

    def __init__(self, folder: Path, *, read: bool = True) -> None:
        self.folder, self._read = folder, read

    def get(self, key: dict[str, Any]) -> Comparison | None:
        """What was measured under that key; None if nothing was, or the file is damaged."""
        if not self._read:
            return None
        try:
            content = read_json(self._path(key))
            if content["key"] == _plain(key):
                return records.decode(Comparison, content["comparison"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            pass
        return None

    def put(self, key: dict[str, Any], comparison: Comparison) -> None:
        """Keeps it, in one step.

        Raises:
            OutputError: the folder cannot be written.
        """
        content = {"key": _plain(key), "comparison": records.encode(comparison)}
        data = json.dumps(content, indent=1, allow_nan=False).encode()
        files.write_verified(self._path(key), data, lambda _: None, overwrite=True)

    def _path(self, key: dict[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(_plain(key), sort_keys=True).encode()).hexdigest()
        return self.folder / f"{digest[:32]}.json"


def _plain(key: dict[str, Any]) -> Any:
    """The key as JSON gives it back; of another version of this file, another key."""
    return json.loads(json.dumps({"schema_version": VERSION, **key}))
