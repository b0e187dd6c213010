"""The sizes that a bundle may have are the app's own."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from ssc_deploy import golden, pictures
from ssc_deploy.bundling import limits
from ssc_deploy.bundling.manifest import FileEntry, Manifest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "android_demo/core/src/main/java/org/sscdeploy/core"
JAVA, PIXELS = CORE / "bundle/BundleLimits.java", CORE / "picture/Pixels.java"


@pytest.fixture
def manifest():
    sample = next(iter(sorted((ROOT / "tests/schemas/model/valid").glob("*.json"))))
    return Manifest.from_dict(json.loads(sample.read_text(encoding="utf-8")))


def schema():
    return json.loads((ROOT / "ssc_deploy/schemas/model.schema.json").read_text(encoding="utf-8"))


def larger(manifest, name, count):
    return dataclasses.replace(manifest, files={**manifest.files, name: FileEntry("0" * 64, count)})


def with_network(manifest, labels, width, height):
    rule = dataclasses.replace(manifest.preprocessing, width=width, height=height)
    return dataclasses.replace(manifest, labels=labels, preprocessing=rule)


def test_what_is_made_here_is_held_to_the_limits_of_the_app():
    found = re.findall(r"static final (?:int|long) (MOST_\w+) = ([0-9_]+);", JAVA.read_text(encoding="utf-8"))
    own = {name: value for name, value in vars(limits).items() if name.startswith("MOST_")}
    assert {name: int(value) for name, value in found} == own


def test_pictures_of_the_app_have_the_pixels_that_its_bundles_may_have():
    said = re.search(r"static final int MAX_PIXELS = (.+);", PIXELS.read_text(encoding="utf-8"))
    assert said is not None
    assert said[1] == "BundleLimits.MOST_PIXELS"
    assert pictures.MAX_PIXELS == limits.MOST_PIXELS


def test_the_schema_allows_as_many_files():
    assert schema()["properties"]["files"]["maxProperties"] == limits.MOST_FILES


def test_an_ordinary_bundle_is_small_enough(manifest):
    assert limits.excess(manifest) is None


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        ("pixels", "its network takes too large images (8x7)"),
        ("inputs", "its network takes too large images (8x7)"),
        ("outputs", "its network has too many classes (3)"),
    ],
)
def test_where_the_least_number_of_pictures_is_too_much_the_network_is_named(manifest, array, reason):
    manifest = with_network(manifest, labels=("a", "b", "c"), width=8, height=7)
    name = getattr(manifest.golden, array)
    assert manifest.golden.count == golden.PICTURES
    assert limits.excess(larger(manifest, name, limits.MOST_ARRAY)) is None
    excess = limits.excess(larger(manifest, name, limits.MOST_ARRAY + 1))
    assert excess is not None
    assert excess.startswith(f"{name} has 256,000,001 bytes")
    assert excess.endswith(f"{reason} for the 16 images that a bundle has at least")


@pytest.mark.parametrize("array", ["pixels", "inputs", "outputs"])
def test_a_smaller_number_of_pictures_is_named_where_a_bundle_may_have_it(manifest, array):
    many = dataclasses.replace(manifest, golden=dataclasses.replace(manifest.golden, count=100))
    name = getattr(many.golden, array)
    excess = limits.excess(larger(many, name, 5 * limits.MOST_ARRAY))
    assert excess is not None
    assert excess.endswith("20 golden images would fit, and it has 100")
    excess = limits.excess(larger(many, name, 7 * limits.MOST_ARRAY))
    assert excess is not None
    assert "would fit" not in excess


def test_no_bundle_may_have_fewer_pictures_than_are_made():
    assert schema()["$defs"]["GoldenFiles"]["properties"]["count"]["minimum"] == golden.PICTURES


def test_files_that_are_too_large_together_are_said_with_the_largest(manifest):
    name = manifest.models[0].file
    excess = limits.excess(larger(manifest, name, limits.MOST_UNPACKED))
    assert excess is not None
    assert excess.endswith(f"and the app takes up to 500,000,000; the largest is {name}")


def test_pictures_that_are_too_large_are_said(manifest):
    rule = dataclasses.replace(manifest.preprocessing, width=8001, height=8000)
    excess = limits.excess(dataclasses.replace(manifest, preprocessing=rule))
    assert excess == "its network takes images of 8001x8000, and the app takes those of up to 64,000,000 pixels"


def test_all_files_uncompressed_fit_into_an_archive():
    headers = limits.MOST_FILES * (30 + 46 + 2 * 200)  # of each entry two, with its name in both
    assert limits.MOST_UNPACKED + limits.MOST_JSON + headers < limits.MOST_ARCHIVE
