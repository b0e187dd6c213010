"""The runner as one file, as it is copied to devices: a zip archive that Python runs (PEP 441).

The same sources give the same bytes on every machine: the archive holds the modules sorted by name, uncompressed (what
a compressor makes depends on its version), with one fixed time and mode. `zipapp` alone would store the time of each
file, in the order of the folder, so it is given an archive that is made already.
"""

from __future__ import annotations

import io
import zipapp
import zipfile
from pathlib import Path

from ssc_deploy.profiling import runner
from ssc_deploy.profiling.runner.contract import RUNNER_FILE

#: What Python runs first. The package has this name in the archive.
_MAIN = """\
import sys

from runner.command import main

sys.exit(main(sys.argv[1:]))
"""

#: The earliest that a zip archive can say.
_TIME = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """The archive."""
    modules = {f"runner/{path.name}": path.read_bytes() for path in Path(runner.__file__).parent.glob("*.py")}
    packed, archive = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for name, data in sorted({**modules, "__main__.py": _MAIN.encode()}.items()):
            member = zipfile.ZipInfo(name, _TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16  # a plain file on Unix, wherever this runs
            file.writestr(member, data)
    packed.seek(0)
    zipapp.create_archive(packed, archive, "/usr/bin/env python3")
    return archive.getvalue()


def write(folder: Path) -> Path:
    """Writes the archive into a folder, and returns its path.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / RUNNER_FILE
    path.write_bytes(build())
    return path
