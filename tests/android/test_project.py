"""The Gradle files and `ssc-deploy android` speak of the same app: one place of versions, levels and hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli.tester import refused

from ssc_deploy.android import abis, artifacts, project
from ssc_deploy.errors import AndroidError
from ssc_deploy.profiling.targets import app_contract

ROOT = Path(__file__).parents[2] / "android_demo"
GRADLE = sorted([ROOT / "settings.gradle", *ROOT.glob("**/build.gradle")])


@pytest.fixture
def found():
    return project.find()


def hashes():
    return ElementTree.parse(ROOT / project.HASHES)  # noqa: S314 - our own


def copied(tmp_path, name, text):
    """The Gradle files in another folder, one of them with another text."""
    for path in (project.CATALOGUE, project.PROPERTIES, project.HASHES):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((ROOT / path).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_checkout_s_own_sources_are_found(found):
    assert found.root == ROOT


def test_gradle_s_modules_are_those_that_are_compiled():
    included = re.search(r"^include (.*)$", (ROOT / "settings.gradle").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(re.findall(r'":([^"]+)"', included[1])) == project.MODULES
    for module in project.MODULES:
        assert (ROOT / module / "build.gradle").is_file()
        assert any((ROOT / module / "src" / "main" / "java").rglob("*.java"))


def test_no_gradle_file_says_a_version_or_a_level_of_its_own():
    for path in GRADLE:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\d+\.\d+", text), path
        assert not re.search(r"(?i)(sdk|version|compatibility)\w* *=? *[\"']?\d", text), path


def test_every_library_that_gradle_names_is_in_the_catalogue(found):
    known = {f"libs.{re.sub('[-_]', '.', name)}" for name in found.libraries}
    plugins = tomllib.loads((ROOT / project.CATALOGUE).read_text(encoding="utf-8"))["plugins"]
    known |= {f"libs.plugins.{name.replace('-', '.')}" for name in plugins}
    used = {name for path in GRADLE for name in re.findall(r"libs\.[a-z.]+", path.read_text(encoding="utf-8"))}
    assert used
    assert used <= known


def test_every_property_that_gradle_reads_is_there(found):
    used = {
        name for path in GRADLE for name in re.findall(r'gradleProperty\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert used
    assert used <= set(found.properties)


def test_the_levels_are_those_that_the_app_promises(found):
    levels = {name: found.property(f"demo.{name}") for name in ("minSdk", "targetSdk", "compileSdk", "java")}
    assert levels == {"minSdk": "26", "targetSdk": "35", "compileSdk": "35", "java": "17"}


def test_the_app_s_name_is_the_one_that_profile_drives(found):
    assert found.property("demo.applicationId") == app_contract.PACKAGE


def test_every_library_and_tool_that_is_downloaded_has_a_hash(found):
    wanted = {artifacts.file_name(found, form) for form in artifacts.MAVEN}
    for package in artifacts.PACKAGES:
        wanted |= {artifacts.archive_name(found, package), *artifacts.member_names(found, package)}
    assert wanted <= set(found.hashes)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in found.hashes.values())


def test_no_file_has_two_hashes():
    names = [e.attrib["name"] for e in hashes().iter() if e.tag.endswith("artifact")]
    assert len(set(names)) == len(names)


def test_gradle_checks_the_hashes_of_what_goes_into_the_app():
    configuration = hashes()
    trusted = [e.attrib for e in configuration.iter() if e.tag.endswith("}trust")]
    groups = [re.compile(one["group"]) for one in trusted if "group" in one]
    for group in ("com.google.code.gson", "org.tensorflow"):
        assert not any(pattern.fullmatch(group) for pattern in groups)
    assert any(pattern.fullmatch("com.android.tools.build") for pattern in groups)


def test_gradle_builds_for_the_processors_of_the_command_and_the_emulator():
    said = re.search(r"^ *abiFilters (.*)$", (ROOT / "app/build.gradle").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(re.findall(r'"([^"]+)"', said[1])) == (*abis.DEFAULT_ABIS, "x86_64")


def test_a_folder_without_sources_is_refused(tmp_path):
    with pytest.raises(AndroidError, match=r"is not the app's source folder.*android_demo"):
        project.find(tmp_path)


def test_an_installation_without_sources_says_where_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(project.ssc_deploy, "__file__", str(tmp_path / "site-packages" / "ssc_deploy" / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AndroidError, match=r"not part of the installed package; get ssc-deploy's source .* `source`"):
        project.find()


def test_the_app_s_tests_are_refused_by_an_installed_package_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(project.ssc_deploy, "__file__", str(tmp_path / "site-packages" / "ssc_deploy" / "__init__.py"))
    assert refused("android", "test").startswith("the app's tests need a checkout of ssc-deploy; ")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (project.CATALOGUE, "[versions", "not a version catalogue"),
        (project.CATALOGUE, "[versions]\na = 1", "not a version catalogue"),
        (project.CATALOGUE, '[versions]\n[libraries]\na = { module = "b:c", version.ref = "d" }', "not a version cat"),
        (project.CATALOGUE, "x = " + "[" * 100_000, "not a version catalogue"),
        (project.HASHES, "<verification-metadata", "not a file of hashes"),
        (project.HASHES, "x" * (1 << 21), "larger than any such file"),
    ],
)
def test_gradle_files_that_are_damaged_are_named(tmp_path, name, text, said):
    with pytest.raises(AndroidError, match=said):
        project.find(copied(tmp_path, name, text))


def test_what_a_gradle_file_does_not_say_is_named(tmp_path):
    found = project.find(copied(tmp_path, project.PROPERTIES, "demo.minSdk = 26\n# demo.java = 11\n"))
    assert found.property("demo.minSdk") == "26"
    with pytest.raises(AndroidError, match=r"gradle\.properties does not say demo\.java"):
        found.property("demo.java")
    with pytest.raises(AndroidError, match=r"libs\.versions\.toml does not say guava"):
        found.library("guava")
