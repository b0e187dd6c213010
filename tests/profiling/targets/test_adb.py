"""Jobs in the demo app of a phone, through a program that behaves as adb does, and the real adb without a phone."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import subprocess
import tempfile
import warnings

import device_jobs
import programs
import pytest

from ssc_deploy import cli
from ssc_deploy.cli import flags
from ssc_deploy.errors import TargetError
from ssc_deploy.profiling import targets
from ssc_deploy.profiling.runner.contract import FailureKind
from ssc_deploy.profiling.targets import adb, adb_client, android_environment

pytestmark = pytest.mark.slow


def silent(_line: str) -> None:
    """Nobody looks at the progress here."""


def refused(phones, folder, spec="adb", job=None, left=()):
    """The sentence of a run that has to fail."""
    phones.save()
    job = job or device_jobs.write(folder, device_jobs.small(".onnx"))
    with pytest.raises(TargetError) as caught:
        targets.parse(spec).run(folder, job, silent)
    assert not (folder / "result.json").exists()
    assert phones.left() == list(left)
    return str(caught.value)


def test_the_app_does_the_job_and_the_phone_is_left_as_it_was(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx", ".tflite"))
    lines = []
    result = targets.parse("adb").run(folder, job, lines.append)
    assert [one.failure for one in result.measurements] == [None, None]
    assert all(turn.samples_ns for one in result.measurements for turn in one.turns)
    assert lines == ["golden set"]
    assert phones.left() == []
    assert not (phones.phone() / "stay").exists()
    assert all(call[:2] == ["-s", "R5CT"] for call in phones.calls()[1:])


def test_what_was_set_before_is_set_again(phones, folder):
    phones.phone().mkdir()
    (phones.phone() / "stay").write_text("3\n")
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    targets.parse("adb:R5CT").run(folder, job, silent)
    assert (phones.phone() / "stay").read_text() == "3\n"


def test_outputs_are_copied_where_the_job_asks_for_them(phones, folder):
    job = dataclasses.replace(device_jobs.write(folder, device_jobs.small(".onnx"), None), keep_outputs=True)
    (folder / "job.json").write_text(json.dumps(job.to_dict()))
    assert list(targets.parse("adb").run(folder, job, silent).files) == ["outputs0.npz"]
    assert phones.left() == []


def test_an_answer_that_is_wrong_there_comes_back_without_figures(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx", off_by=0.01))
    (only,) = targets.parse("adb").run(folder, job, silent).measurements
    assert (only.failure.kind, only.turns) == (FailureKind.WRONG, ())


# ---- which phone


def test_of_several_phones_one_must_be_named(phones, folder):
    phones.devices = [("R5CT", "device"), ("192.168.1.7:5555", "device"), ("OLD", "offline")]
    assert (
        refused(phones, folder)
        == "adb sees 2 phones; say which with `device='adb:R5CT'` or `device='adb:192.168.1.7:5555'`"
    )
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    assert targets.parse("adb:192.168.1.7:5555").run(folder, job, silent).measurements[0].failure is None


def test_a_phone_that_is_ready_is_taken_before_those_that_are_not(phones, folder):
    phones.devices = [("OLD", "offline"), ("R5CT", "device")]
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    assert targets.parse("adb").run(folder, job, silent).measurements[0].failure is None


def test_a_phone_that_is_not_there_is_told_with_those_that_are(phones, folder):
    assert refused(phones, folder, "adb:OTHER") == "adb sees no phone 'OTHER'; it sees: R5CT"


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("unauthorized", "allow USB debugging for this computer on its screen"),
        ("offline", "adb reconnect offline"),
        ("recovery", "adb reboot"),
        ("no permissions (missing udev rules? user is in the plugdev group)", "android-sdk-platform-tools-common"),
        ("rescue", "look at its screen"),
    ],
)
def test_a_phone_that_cannot_be_used_is_told_with_what_to_do(phones, folder, state, remedy):
    phones.devices = [("R5CT", state)]
    message = refused(phones, folder)
    assert message.startswith(f"the phone R5CT is {state.partition(' (')[0]}: ")
    assert remedy in message
    description = targets.parse("adb").describe()
    assert (description.ready, description.detail) == (False, message)


ODD_SERIALS = ["adb-R5CT-AbCd (2)._adb-tls-connect._tcp", "[fe80::1%wlan0]:5555", "device 7", "0123 'a'", "`0`"]


@pytest.mark.parametrize("serial", ODD_SERIALS)
def test_a_phone_may_have_any_serial_number(phones, folder, serial):
    phones.devices = [("R5CT", "device"), (serial, "device")]
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    message = flags.spelled(refused(phones, folder, job=job), cli.main)
    assert message.endswith(f"--device adb:R5CT or --device {shlex.quote(f'adb:{serial}')}")
    assert [phone.model for phone in adb_client.phones()] == ["FP 5", "FP 5"]
    assert targets.parse(f"adb:{serial}").run(folder, job, silent).measurements[0].failure is None


def test_a_phone_without_a_serial_number_is_named_by_its_transport(phones, folder):
    phones.devices = [("R5CT", "device"), ("", "device")]
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    assert refused(phones, folder, job=job).endswith("`device='adb:R5CT'` or `device='adb:transport_id:2'`")
    assert targets.parse("adb:transport_id:2").run(folder, job, silent).measurements[0].failure is None
    assert phones.calls()[-1][:2] == ["-t", "2"]


@pytest.mark.parametrize(
    ("line", "phone"),
    [
        ("R5CT                   device 1-1.4 product:p model:M_1 transport_id:1", ("R5CT", "device", "M 1")),
        ("R5CT                   unauthorized 1-1 transport_id:1", ("R5CT", "unauthorized", "")),
        ("R5CT                   unauthorized usb:1-1", ("R5CT", "unauthorized", "")),
        ("R5CT                   device usb:3-2 product: model: device: transport_id:1", ("R5CT", "device", "")),
        ("LGM700                 device usb:337641472X model:LM_Q transport_id:1", ("LGM700", "device", "LM Q")),
        ("[2001:db8::5]:5555     offline product:p model:M device:d", ("[2001:db8::5]:5555", "offline", "M")),
        (
            "????????????\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://x.y/z]",
            ("????????????", "no permissions", ""),
        ),
    ],
)
def test_lines_of_different_builds_of_adb_are_read(line, phone):
    assert adb_client._listed(line) == adb_client.Phone(*phone)


def test_what_adb_says_beside_its_list_is_no_phone(phones):
    phones.devices = [("R5CT", "device")]
    phones.save()
    assert adb_client._listed("adb server version (41) doesn't match this client (39); killing...") is None
    assert [phone.name for phone in adb_client.phones()] == ["R5CT"]


@pytest.mark.parametrize("rest", ["-s", " R5CT", "R5CT ", "a\nb", "a\x1bb"])
def test_what_is_no_serial_number_is_refused(rest):
    with pytest.raises(TargetError, match="is not a serial number of a phone"):
        targets.parse(f"adb:{rest}")


@pytest.mark.parametrize("spec", ["adb", "adb:R5CT", "adb:192.168.1.7:5555", "adb:adb-R5._adb-tls-connect._tcp"])
def test_a_target_is_spelled_as_it_was_written(spec):
    assert targets.parse(spec).spec == spec


def test_no_adb_here(phones, folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused(phones, folder) == "adb is not installed; install it with: apt-get install adb"


# ---- the app


def test_no_app_there(phones, folder):
    phones.app = "missing"
    message = refused(phones, folder)
    assert message.startswith(
        "the demo app is not installed on the phone R5CT; build it with: ssc-deploy android build"
    )
    assert "name it with `app='demo.apk'`" in message
    assert not any("stay_on" in " ".join(call) for call in phones.calls())
    description = targets.parse("adb").describe()
    assert not description.ready
    assert "demo app not installed: build it with: ssc-deploy android build" in description.detail
    assert description.environment.device == "Fairphone FP5"


def test_an_app_that_is_not_the_debug_build(phones, folder):
    phones.app = "release"
    message = refused(phones, folder)
    assert "does not let adb at its files (run-as: package not debuggable: org.sscdeploy.demo)" in message
    assert "install its debug build" in message


def test_an_app_of_another_version(phones, folder):
    phones.app = "no activity"
    assert "does not start (Error type 3)" in refused(phones, folder)


def test_an_app_that_dies(phones, folder):
    phones.app = "dies"
    message = refused(phones, folder)
    assert "ended before the job was done, as it does when memory runs out" in message
    assert "adb -s R5CT logcat -d" in message


def test_an_app_that_hangs_is_stopped(phones, folder, monkeypatch):
    monkeypatch.setattr(adb, "SILENCE", 3.0)
    phones.app = "hangs"
    assert "has said nothing for 3 s and was stopped" in refused(phones, folder)
    assert not (phones.phone() / "pid").exists()


def test_an_app_that_does_not_begin(phones, folder, monkeypatch):
    monkeypatch.setattr(adb, "_START", 2.0)
    phones.app = "mute"
    sentence = refused(phones, folder)
    assert "has not begun after 2 s; unlock the phone" in sentence
    assert "if the app says there that it is not done, do what it says: it could not read the job" in sentence


def test_what_the_app_says_when_it_fails_is_told(phones, folder):
    phones.app = "fails"
    said = "model0.onnx is damaged: it has not the SHA-256 that the job names."
    assert refused(phones, folder) == f"The job could not be done on the phone R5CT: {said}"


def test_a_file_that_is_damaged_on_its_way_is_not_measured(phones, folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx"))
    (folder / "model0.onnx").write_bytes(b"other")
    assert "model0.onnx is damaged" in refused(phones, folder, job=job)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("old result", "brought back the result of another job"),
        ("other bytes", "came damaged from the phone R5CT: its SHA-256 is another"),
        ("other status", "speaks of another job"),
        ("garbled", "says what cannot be read"),
    ],
)
def test_a_result_that_is_not_the_one_of_the_job_is_never_taken(phones, folder, app, said):
    phones.app = app
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    with pytest.raises(TargetError, match=said):
        targets.parse("adb").run(folder, job, silent)
    assert phones.left() == []


# ---- the cable


def test_a_full_phone(phones, folder):
    phones.space = 1000
    message = refused(phones, folder)
    assert "the phone R5CT has no room for golden0.npz in /data/local/tmp/ssc-deploy-" in message
    assert "(No space left on device); free some on it" in message


@pytest.mark.parametrize("calls", range(1, 18, 3))
def test_a_phone_that_is_unplugged_at_any_moment(phones, folder, calls):
    phones.gone_after = calls
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), device_jobs.ENDLESS)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(TargetError, match="R5CT is gone; look at the"):
            targets.parse("adb").run(folder, job, silent)
    assert not (folder / "result.json").exists()
    if phones.left():  # nobody could remove it, so it is told
        assert any("may be left on the phone R5CT" in str(one.message) for one in warned)


def test_a_phone_that_is_slow_takes_its_time(phones, folder):
    phones.slow = 0.3
    phones.save()
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    assert targets.parse("adb").run(folder, job, silent).measurements[0].failure is None


def test_an_adb_that_cannot_be_run(phones, folder, tmp_path):
    program = tmp_path / "programs" / "adb"
    program.write_bytes(b"\x7fELF of another machine")
    assert "cannot be run (Exec format error); install it again" in refused(phones, folder)


def test_a_phone_that_does_not_answer(phones, folder, monkeypatch):
    monkeypatch.setattr(adb_client, "_PATIENCE", 1.0)
    phones.slow = 20.0
    assert "adb has not answered adb for 1 s" in refused(phones, folder)


# ---- what it is


def test_a_phone_is_described_by_what_it_tells(phones):
    description = targets.parse("adb").describe()
    assert description.ready
    assert description.detail.startswith("Fairphone FP5 · QCM6490 · ")
    assert description.detail.endswith("demo app installed")
    assert description.environment.system == "Android 14 (API 34)"
    assert description.environment.cores > 0
    assert description.environment.memory_bytes > 0


def test_the_state_of_a_phone_holds_what_its_shell_may_read(phones):
    snapshot = android_environment.snapshot(adb_client.choose(None))
    assert snapshot.unix_time > 1.7e9
    assert snapshot.load is not None
    assert set(snapshot.governor) == set(snapshot.frequency_khz)


@pytest.fixture
def real_adb(monkeypatch):
    """The adb that is installed, with a server of its own."""
    folder = tempfile.mkdtemp()  # the path of a socket has to be short
    monkeypatch.setenv("ADB_SERVER_SOCKET", f"localfilesystem:{folder}/adb")
    yield
    subprocess.run([programs.find("adb"), "kill-server"], capture_output=True, check=False)
    shutil.rmtree(folder)


@pytest.mark.needs("adb")
@pytest.mark.usefixtures("real_adb")
def test_the_real_adb_says_that_there_is_no_phone(folder):
    job = device_jobs.write(folder, device_jobs.small(".onnx"), None)
    for spec, said in (("adb", "adb sees no phone; connect one by USB"), ("adb:R5CT", "it sees: none")):
        with pytest.raises(TargetError, match=said):
            targets.parse(spec).run(folder, job, silent)
        assert not targets.parse(spec).describe().ready


@pytest.mark.needs("adb")
@pytest.mark.usefixtures("real_adb")
def test_the_real_adb_s_words_for_a_phone_that_is_gone_are_understood():
    with pytest.raises(TargetError, match="the phone R5CT is gone; look at the cable"):
        adb_client.Device("R5CT").shell("true")
