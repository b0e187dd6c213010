"""``ssc-deploy devices``, and ``ssc-deploy profile`` on devices, as a user calls them."""

from __future__ import annotations

import json

import pytest
import sshd
from cli.tester import refused, ssc
from programs import ARM_SYSTEM
from runtimes.networks import onnx_network, tflite_network

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path):
    """A small exported network."""
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_network())
    return path


def devices(*specs):
    """What the command lists, by name."""
    outcome = ssc("devices", "--format", "json", *specs)
    assert (outcome.code, outcome.err) == (0, "")
    return {device["spec"]: device for device in outcome.json["devices"]}


def test_the_host_phones_and_the_emulator_are_listed(phones):
    phones.devices = [("R5CT", "device"), ("OLD", "unauthorized")]
    phones.save()
    found = devices()
    assert list(found) == ["host", "adb:R5CT", "adb:OLD", "qemu:aarch64"]
    assert [found[spec]["ready"] for spec in ("host", "adb:R5CT", "adb:OLD")] == [True, True, False]
    assert found["adb:OLD"]["detail"].endswith("allow USB debugging for this computer on its screen")
    assert found["adb:R5CT"]["environment"]["device"] == "Fairphone FP5"


def test_people_are_told_how_a_board_is_named(phones):
    outcome = ssc("devices")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("device")
    assert lines[1].split()[:2] == ["host", "ready"]
    assert lines[-1] == "A board: ssh:USER@HOST[:PORT]; ask one with: ssc-deploy devices ssh:USER@HOST"


def test_without_adb_and_qemu_the_commands_that_install_them_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = devices()
    assert found["host"]["ready"]
    assert found["adb"]["detail"] == "adb is not installed; install it with: apt-get install adb"
    assert "apt-get install qemu-user-static" in found["qemu:aarch64"]["detail"]


@pytest.mark.needs(*sshd.PROGRAMS)
def test_a_board_that_is_named_is_asked(board):
    with board.running():
        (found,) = devices(board.spec).values()
    assert found["ready"]
    assert found["environment"]["runtimes"]["onnxruntime"]


@pytest.mark.parametrize("command", [("devices", "router"), ("profile", "net.onnx", "--device", "router")])
def test_what_is_no_device_is_refused_with_those_that_are(command):
    message = refused(*command)
    assert message.startswith("there is no device 'router'; write one of: host, ssh:USER@HOST[:PORT], adb[:SERIAL]")


@pytest.mark.needs(*sshd.PROGRAMS)
def test_a_model_is_profiled_on_a_board(board, model):
    with board.running():
        outcome = ssc("profile", model, "--device", board.spec, "--quick", "--format", "json")
    assert outcome.code == 0, outcome
    (measured,) = outcome.json["models"]
    assert measured["failure"] is None
    assert measured["latency"]["p50"] > 0
    assert board.left() == []


@pytest.mark.needs(*sshd.PROGRAMS)
def test_a_board_that_cannot_be_reached_ends_it_with_a_sentence(board, model):
    with sshd.closed_port() as board.port:
        message = refused("profile", model, "--device", board.spec, "--quick")
    assert "cannot be reached" in message


def test_a_model_is_profiled_in_the_app_of_a_phone(phones, model):
    outcome = ssc("profile", model, "--device", "adb", "--quick", "--format", "json")
    assert outcome.code == 0, outcome
    assert outcome.json["device"] == "adb"
    assert outcome.json["models"][0]["latency"]["p50"] > 0
    assert phones.left() == []


def test_a_model_is_profiled_with_a_benchmark_program_of_a_phone(phones, tmp_path):
    (tmp_path / "net.tflite").write_bytes(tflite_network())
    program = tmp_path / "benchmark_model"
    header = b"\x7fELF" + bytes(14) + (183).to_bytes(2, "little")
    program.write_bytes(header + bytes(44) + b"--warmup_min_secs")
    options = ("--device", "adb", "--benchmark-binary", program, "--quick")
    saved, page = tmp_path / "profile.json", tmp_path / "report.html"
    shown = ssc("profile", tmp_path / "net.tflite", *options, "--json", saved, "--report", page)
    assert shown.code == 0, shown
    assert json.loads(saved.read_text())["models"][0]["latency"]["p50"] == 812_000
    assert "the answers were not checked on this phone" in shown.out
    assert "right answers" not in shown.out
    assert "The answers of net.tflite were not checked on the device." in page.read_text()
    assert "was held to" not in page.read_text()


@pytest.mark.needs(*ARM_SYSTEM)
def test_on_the_emulator_no_time_is_told_and_the_reason_is(model):
    outcome = ssc("profile", model, "--device", "qemu:aarch64")
    assert outcome.code == 0, outcome
    assert "1 of 1 give" in outcome.out
    assert "how long that takes says nothing about an ARM core" in outcome.out
    assert " ms" not in outcome.out
    assert " µs" not in outcome.out
