"""The sizes that a bundle may have are the app's own."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from ssc_deploy.bundling import limits
from ssc_deploy.bundling.manifest import FileEntry, Manifest

ROOT = Path(__file__).parents[2]
JAVA = ROOT / "android_demo/core/src/main/java/org/sscdeploy/core/bundle/BundleLimits.java"


@pytest.fixture
def manifest():
    sample = next(iter(sorted((ROOT / "tests/schemas/model/valid").glob("*.json"))))
    return Manifest.from_dict(json.loads(sample.read_text(encoding="utf-8")))


def larger(manifest, name, count):
    return dataclasses.replace(manifest, files={**manifest.files, name: FileEntry("0" * 64, count)})


def test_what_is_made_here_is_held_to_the_limits_of_the_app():
    found = re.findall(r"static final (?:int|long) (MOST_\w+) = ([0-9_]+);", JAVA.read_text(encoding="utf-8"))
    own = {name: value for name, value in vars(limits).items() if name.startswith("MOST_")}
    assert {name: int(value) for name, value in found} == own


def test_an_ordinary_bundle_is_small_enough(manifest):
    assert limits.excess(manifest) is None


@pytest.mark.parametrize("array", ["pixels", "inputs", "outputs"])
def test_too_many_golden_pictures_are_said_with_how_many_fit(manifest, array):
    name = getattr(manifest.golden, array)
    assert limits.excess(larger(manifest, name, limits.MOST_ARRAY)) is None
    excess = limits.excess(larger(manifest, name, 2 * limits.MOST_ARRAY))
    assert excess is not None
    assert excess.startswith(f"{name} has 512,000,000 bytes")
    assert f"leave about {manifest.golden.count // 2}" in excess


def test_files_that_are_too_large_together_are_said_with_the_largest(manifest):
    name = manifest.models[0].file
    excess = limits.excess(larger(manifest, name, limits.MOST_UNPACKED))
    assert excess is not None
    assert excess.endswith(f"and the app takes up to 500,000,000; the largest is {name}")


def test_pictures_that_are_too_large_are_said(manifest):
    rule = dataclasses.replace(manifest.preprocessing, width=8001, height=8000)
    excess = limits.excess(dataclasses.replace(manifest, preprocessing=rule))
    assert excess == "its network takes pictures of 8001x8000, and the app takes those of up to 64,000,000 pixels"


def test_all_files_uncompressed_fit_into_an_archive():
    headers = limits.MOST_FILES * (30 + 46 + 2 * 200)  # of each entry two, with its name in both
    assert limits.MOST_UNPACKED + limits.MOST_JSON + headers < limits.MOST_ARCHIVE
