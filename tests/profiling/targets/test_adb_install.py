"""The demo app installed for the time of a job, through a program that behaves as adb does."""

from __future__ import annotations

import json
import warnings
import zipfile

import device_jobs
import pytest
import scripted_adb
from cli.tester import refused as cli_refused

from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.targets import adb_client

pytestmark = pytest.mark.slow


@pytest.fixture
def apk(tmp_path):
    """As much of the demo app as is looked at here."""
    return packed(tmp_path / "demo.apk")


def packed(path, package=scripted_adb.PACKAGE):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", b"\x03\x00\x08\x00" + package.encode("utf-16-le"))
        archive.writestr("classes.dex", b"dex\n035\0")
    return path


def run(folder, apk, spec="adb", lines=None):
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    return targets.parse(spec, app=apk).run(folder, job, (lines if lines is not None else []).append)


def refused(phones, folder, apk):
    """The sentence of a run that has to fail."""
    phones.save()
    with pytest.raises(TargetError) as caught:
        run(folder, apk)
    assert not (folder / "result.json").exists()
    assert phones.left() == []
    return str(caught.value)


def test_an_app_that_was_not_there_is_installed_does_the_job_and_is_removed(phones, folder, apk):
    phones.app = "missing"
    phones.save()
    lines = []
    assert run(folder, apk, "adb:R5CT", lines).measurements[0].failure is None
    assert lines[0] == "installing demo.apk"  # the job may be done before anybody looks
    calls = phones.calls()
    assert ["-s", "R5CT", "install", "-r", "-t", str(apk)] in calls
    assert calls[-1] == ["-s", "R5CT", "shell", f"pm uninstall {scripted_adb.PACKAGE}"]
    assert not (phones.phone() / "base.apk").exists()
    assert phones.left() == []


def test_an_app_that_was_there_is_updated_and_stays(phones, folder, apk):
    assert run(folder, apk).measurements[0].failure is None
    assert (phones.phone() / "base.apk").read_bytes() == apk.read_bytes()


def test_an_app_is_removed_where_the_job_fails_too(phones, folder, apk):
    phones.app = "missing"
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    (folder / "job.json").write_text(json.dumps({**job.to_dict(), "schema_version": 2}))
    with pytest.raises(TargetError, match="could not be done on the phone R5CT"):
        targets.parse("adb", app=apk).run(folder, job, lambda _line: None)
    assert not (phones.phone() / "base.apk").exists()


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (
            "INSTALL_FAILED_UPDATE_INCOMPATIBLE: Existing package org.sscdeploy.demo signatures do not match",
            "remove it with: adb -s R5CT uninstall org.sscdeploy.demo",
        ),
        ("INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected", "a newer one is there; remove it with: adb -s R5CT"),
        ("INSTALL_FAILED_INSUFFICIENT_STORAGE: not enough space", "it has no room for it; free some on it"),
        (
            "INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries, res=-113",
            "build it for that of the phone, with `abis`",
        ),
        ("INSTALL_FAILED_OLDER_SDK: Requires newer sdk version #26", "its Android is older than 8.0"),
        ("INSTALL_FAILED_USER_RESTRICTED: Install canceled by user", "allow the installation on its screen"),
        (
            "INSTALL_PARSE_FAILED_NO_CERTIFICATES: no signature",
            "does not take demo.apk: INSTALL_PARSE_FAILED_NO_CERTIFI",
        ),
        ("something new", "does not take demo.apk: adb: failed to install"),
    ],
)
def test_a_phone_that_does_not_take_the_app_is_told_with_what_to_do(phones, folder, apk, reason, remedy):
    phones.install = reason
    assert remedy in refused(phones, folder, apk)


def test_what_is_not_the_demo_app_is_never_installed(phones, folder, tmp_path):
    (tmp_path / "text.apk").write_text("hello")
    with zipfile.ZipFile(tmp_path / "zip.apk", "w") as archive:
        archive.writestr("hello", "hello")
    other = packed(tmp_path / "other.apk", "com.example.bank")
    for path, said in (
        (tmp_path / "none.apk", "is not there; build the demo app with: ssc-deploy android build"),
        (tmp_path, "is not there; build the demo app with"),
        (tmp_path / "text.apk", "is not a whole Android app; build it again"),
        (tmp_path / "zip.apk", "is not a whole Android app; build it again"),
        (other, "is not the demo app (org.sscdeploy.demo), and is not installed"),
    ):
        assert said in refused(phones, folder, path)
    assert not any("install" in call for call in phones.calls())


@pytest.mark.parametrize("calls", [2, 3, 5, 9, 14])
def test_a_phone_that_is_unplugged_meanwhile(phones, folder, apk, calls):
    phones.app, phones.gone_after = "missing", calls
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), device_jobs.ENDLESS)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(TargetError, match="R5CT is gone; look at the"):
            targets.parse("adb", app=apk).run(folder, job, lambda _line: None)
    if (phones.phone() / "base.apk").exists():  # nobody could remove it, so it is told
        assert any("the demo app may still be installed on the phone R5CT" in str(one.message) for one in warned)


def test_a_phone_that_does_not_answer_while_it_installs(phones, folder, apk, monkeypatch):
    monkeypatch.setattr(adb_client, "_PATIENCE", 1.0)
    phones.slow = 20.0
    assert "has not answered adb for 1 s" in refused(phones, folder, apk)


def test_an_app_is_for_phones_and_for_want_of_a_benchmark_program(apk):
    with pytest.raises(TargetError, match=r"an app is run on phones; use `app` with adb\[:SERIAL\]"):
        targets.parse("host", app=apk)
    with pytest.raises(TargetError, match="give `benchmark_binary` or `app`"):
        targets.parse("adb", app=apk, benchmark=apk)


def test_the_command_line_passes_the_app_on(phones, tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"")
    assert "use --app with adb" in cli_refused("profile", tmp_path / "net.onnx", "--app", tmp_path / "demo.apk")
