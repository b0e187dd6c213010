"""All files of a package, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssc_deploy.emit.c import example, readme, sources
from ssc_deploy.native import compiling, package

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.native.plan import Plan


def build(plan: Plan, metadata: ModelMetadata, stem: str, unit: frozenset[str] = frozenset()) -> dict[str, bytes]:
    """The files of a package. The same arguments give the same bytes.

    Args:
        plan: of the network.
        metadata: what the package says about itself.
        stem: of the names of its files.
        unit: names of the tensors whose numbers are from 0 to 1.
    """
    name = sources.identifier(stem)
    written = {
        f"{stem}.h": sources.header(plan, metadata, name, stem),
        f"{stem}.c": sources.tables(plan, name, stem),
        "CMakeLists.txt": sources.cmake(name, stem),
        "example.c": example.source(plan, metadata, name, stem),
        "README.md": readme.text(plan, metadata, name, stem),
    }
    files = {one: text.encode() for one, text in written.items()}
    files |= {one.name: one.read_bytes() for one in (*compiling.sources(), *compiling.threads())}
    return files | package.data_files(stem, plan, metadata.to_json(), tuple(unit))
