"""Writes the hashes of all that the app is built and tested with: ``python -m android_demo.tools.pinning``.

For a maintainer who has changed a version in the catalogue. What the registries send now is what is taken for right
from then on, so look at what the commit changes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ssc_deploy.android import artifacts, clients, project
from ssc_deploy.android.fetching import extracted
from ssc_deploy.storage.digests import sha256_of

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- SHA-256 of everything that `ssc-deploy android` downloads; written by: python -m android_demo.tools.pinning
     Gradle checks what goes into the app by it; the tools and test libraries it resolves by rules of its own. -->
<verification-metadata xmlns="https://schema.gradle.org/dependency-verification">
   <configuration>
      <verify-metadata>false</verify-metadata>
      <verify-signatures>false</verify-signatures>
      <trusted-artifacts>
         <trust group="^(?!(com[.]google[.]code[.]gson|org[.]tensorflow)$).*" regex="true"/>
         <trust file=".*-(sources|javadoc)[.]jar" regex="true"/>
      </trusted-artifacts>
   </configuration>
   <components>
"""
_TAIL = """   </components>
</verification-metadata>
"""

Component = tuple[str, str, str]


def main() -> None:
    """Downloads everything, and writes the hashes into the checkout's file."""
    found = project.find(Path(sys.argv[1]) if sys.argv[1:] else None, pinned=False)
    with tempfile.TemporaryDirectory() as temporary:
        components = {**_maven(found, Path(temporary)), **_packages(found, Path(temporary))}
    lines = [_HEAD]
    for (group, name, version), files in sorted(components.items()):
        named = " ".join(f"{k}={quoteattr(v)}" for k, v in (("group", group), ("name", name), ("version", version)))
        lines.append(f"      <component {named}>\n")
        for file, sha256 in sorted(files.items()):
            lines.append(f"         <artifact name={quoteattr(file)}>\n")
            lines.append(f'            <sha256 value="{sha256}"/>\n         </artifact>\n')
        lines.append("      </component>\n")
    (found.root / project.HASHES).write_text("".join([*lines, _TAIL]), encoding="utf-8")


def _maven(found: project.Project, temporary: Path) -> dict[Component, dict[str, str]]:
    keep = temporary / "keep"
    clients.maven(found, artifacts.MAVEN, temporary / "maven", keep=keep)
    components: dict[Component, dict[str, str]] = {}
    for path in (temporary / "maven").iterdir():
        # GROUP/NAME/VERSION/FILE, where Maven keeps it.
        *group, name, version, file = next(keep.rglob(path.name)).relative_to(keep).parts
        components.setdefault((".".join(group), name, version), {})[file] = sha256_of(path)
    return components


def _packages(found: project.Project, temporary: Path) -> dict[Component, dict[str, str]]:
    components = {}
    for package in artifacts.PACKAGES:
        version = found.version(package.version)
        folder = temporary / package.registry
        {"npm": clients.npm, "pypi": clients.pypi}[package.registry](package.name, version, folder)
        archive = folder / artifacts.archive_name(found, package)
        files = {archive.name: sha256_of(archive)}
        for name, data in extracted(archive, artifacts.member_names(found, package)):
            (folder / name).write_bytes(data)
            files[name] = sha256_of(folder / name)
        components[package.registry, package.name, version] = files
    return components


if __name__ == "__main__":
    main()
