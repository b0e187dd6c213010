"""A program that behaves as adb does with phones that are folders, and a demo app that does its jobs.

Run as ``adb``; ``install`` puts it there. ``state.json`` in ``$SCRIPTED_ADB`` says what phones there are and what goes
wrong, see `Phones`. What a phone's shell runs, a real ``sh`` runs here, with /data/local/tmp and the app's own folder
in the phone's, and Android's own programs from its ``bin``.

A job takes twenty calls and more. So it is started without Python's site packages, imports little that each needs, and
is imported itself, since Python keeps the bytecode of what is imported alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

TYPE_CHECKING = False  # `typing` is one of them
if TYPE_CHECKING:
    from typing import NoReturn

PACKAGE = "org.sscdeploy.demo"


class Phones:
    """What adb sees, and what goes wrong.

    Attributes:
        folder: of the state, and of the phones.
        devices: (serial, state) of each; an empty serial for a phone that has none.
        app: what the demo app does: ``good``, ``missing``, ``release``, ``no activity``, ``dies``, ``hangs``,
            ``fails``, ``mute``, ``garbled``, ``old result``, ``other bytes``, ``other status``.
        install: why an app is refused, as Android says it; empty where it is not.
        benchmark: what a benchmark program does: ``good``, ``crashes``, ``refuses``.
        space: bytes that a push may take.
        gone_after: calls after which the phone is gone; None for never.
        slow: seconds that each call takes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices = [("R5CT", "device")]
        self.app = "good"
        self.install = ""
        self.benchmark = "good"
        self.space = 10**9
        self.gone_after: int | None = None
        self.slow = 0.0

    def save(self) -> None:
        state = {name: value for name, value in vars(self).items() if name != "folder"}
        (self.folder / "state.json").write_text(json.dumps(state))

    def phone(self, serial: str = "R5CT") -> Path:
        return self.folder / (
            re.sub(r"\W", "_", serial) or "unnamed"
        )  # a shell reads it, and its programs stand on a path

    def calls(self) -> list[list[str]]:
        """What adb was called with."""
        lines = (self.folder / "calls").read_text().splitlines() if (self.folder / "calls").exists() else []
        return [json.loads(line) for line in lines]

    def left(self, serial: str = "R5CT") -> list[str]:
        """Files that are still on the phone."""
        roots = (self.phone(serial) / "data", self.phone(serial) / "tmp")
        return [str(path.relative_to(root)) for root in roots for path in root.rglob("*") if path.is_file()]


#: What starts a part of this file in a shell.
_HERE = Path(__file__).resolve()
_CODE = f"import sys; sys.path.append({str(_HERE.parent)!r}); import {_HERE.stem}; sys.exit({_HERE.stem}.main())"
STARTED = f"exec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(_CODE)}"

#: Android's programs, as the shell of a phone finds them.
PROGRAMS = {
    "getprop": 'case "$1" in ro.product.manufacturer) echo Fairphone;; ro.product.model) echo FP5;; '
    "ro.soc.model) echo QCM6490;; ro.product.cpu.abi) echo arm64-v8a;; "
    "ro.product.cpu.abilist) echo $ABIS;; ro.build.version.release) echo 14;; ro.build.version.sdk) echo 34;; esac",
    "settings": 'case "$1" in get) cat "$PHONE/stay" 2>/dev/null || echo null;; put) echo "$4" > "$PHONE/stay";; '
    'delete) rm -f "$PHONE/stay";; esac',
    "input": "true",
    "run-as": '[ "$APP" = release ] && { echo "run-as: package not debuggable: $1"; exit 1; }; shift; exec "$@"',
    "pm": 'case "$1" in uninstall) rm "$PHONE/base.apk" && echo Success;; '
    'path) [ "$APP" = missing ] && [ ! -e "$PHONE/base.apk" ] || echo "package:/data/app/base.apk";; esac',
    "pidof": 'kill -0 "$(cat "$PHONE/pid" 2>/dev/null)" 2>/dev/null && cat "$PHONE/pid"',
    "am": f'{STARTED} am "$@"',
}


def install(folder: Path) -> Path:
    """Puts the program into a folder for the front of the path, and returns it."""
    folder.mkdir(parents=True)
    (folder / "adb").write_text(f'#!/bin/sh\n{STARTED} adb "$@"\n')
    (folder / "adb").chmod(0o755)
    return folder


def load() -> Phones:
    folder = Path(os.environ["SCRIPTED_ADB"])
    phones = Phones(folder)
    vars(phones).update(json.loads((folder / "state.json").read_text()))
    return phones


def fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def adb(arguments: list[str]) -> int:
    """The command line of adb."""
    phones = load()
    with (phones.folder / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    time.sleep(phones.slow)
    gone = phones.gone_after is not None and len(phones.calls()) > phones.gone_after
    if arguments[0] == "devices":
        listed = [] if gone else phones.devices
        lines = [
            f"{serial or '(no serial number)':<22} {state} usb:1-1 model:FP_5 transport_id:{number}"
            for number, (serial, state) in enumerate(listed, 1)
        ]
        sys.stdout.write("\n".join(["List of devices attached", *lines, "", ""]))
        return 0
    assert arguments[0] in {"-s", "-t"}
    serial, command = arguments[1], arguments[2:]
    if arguments[0] == "-t":
        serial = phones.devices[int(serial) - 1][0]
    known = dict(phones.devices)
    if gone or serial not in known:
        return fail(f"adb: device '{serial}' not found")
    if known[serial] != "device":
        return fail(f"error: device {known[serial]}")
    phone = phones.phone(serial)
    for name in ("data", "tmp", "bin"):
        (phone / name).mkdir(parents=True, exist_ok=True)
    if command[0] == "install":
        return install_app(phones, phone, command[1:])
    if command[0] == "push":
        return push(phones, phone, Path(command[1]), command[2])
    if command[0] == "pull":
        source = inside(phone, command[1])
        if not source.exists():
            return fail(f"adb: error: failed to stat remote object '{command[1]}': No such file or directory")
        copy(source, Path(command[2]))
        sys.stdout.write(f"{command[1]}: 1 file pulled, 0 skipped.\n")
        return 0
    assert command[0] == "shell"
    return shell(phones, phone, " ".join(command[1:]))


def shell(phones: Phones, phone: Path, text: str) -> NoReturn:
    """Becomes the shell of a phone."""
    if not (phone / "bin" / "am").exists():
        for name, program in PROGRAMS.items():
            (phone / "bin" / name).write_text(f"#!/bin/sh\n{program}\n")
            (phone / "bin" / name).chmod(0o755)
    for remote, local in places(phone):
        text = text.replace(remote, local)
    path = f"{phone / 'bin'}:/usr/bin:/bin"
    abis = os.environ.get("SCRIPTED_ABIS", "arm64-v8a,armeabi-v7a")
    environment = {**os.environ, "PATH": path, "PHONE": str(phone), "APP": phones.app, "ABIS": abis}
    os.execve("/bin/sh", ["/bin/sh", "-c", text], environment)  # noqa: S606 - text is what a shell reads


def places(phone: Path) -> list[tuple[str, str]]:
    return [(f"/data/data/{PACKAGE}/", f"{phone}/data/"), ("/data/local/tmp/", f"{phone}/tmp/")]  # noqa: S108


def inside(phone: Path, remote: str) -> Path:
    for prefix, local in places(phone):
        if remote.startswith(prefix):
            return Path(local + remote.removeprefix(prefix))
    return phone / remote.lstrip("/")


def copy(source: Path, target: Path) -> None:
    """Copies a file to a place, or into a folder."""
    (target / source.name if target.is_dir() else target).write_bytes(source.read_bytes())


def push(phones: Phones, phone: Path, source: Path, remote: str) -> int:
    target = inside(phone, remote)
    used = sum(path.stat().st_size for path in phone.rglob("*") if path.is_file() and path.parent.name != "bin")
    if used + source.stat().st_size > phones.space:
        target.write_bytes(b"part")
        return fail(
            f"adb: error: failed to copy '{source}' to '{remote}': remote couldn't write: No space left on device"
        )
    copy(source, target)
    if source.read_bytes()[:4] == b"\x7fELF":  # what the phone's processor does with it
        part = "onnxruntime_perf_test" if b"onnxruntime" in source.read_bytes() else "benchmark_model"
        target.write_text(f'#!/bin/sh\n{STARTED} {part} "$@"\n')
    sys.stdout.write(f"{source}: 1 file pushed, 0 skipped. 33.9 MB/s ({source.stat().st_size} bytes in 0.000s)\n")
    return 0


def install_app(phones: Phones, phone: Path, arguments: list[str]) -> int:
    *options, apk = arguments
    assert options == ["-r", "-t"]  # in place of an older one, and of a test build
    sys.stdout.write("Performing Streamed Install\n")
    if phones.install:
        return fail(f"adb: failed to install {apk}: Failure [{phones.install}]")
    copy(Path(apk), phone / "base.apk")
    sys.stdout.write("Success\n")
    return 0


def stop(phone: Path) -> None:
    """Ends the app of a phone with all that it started, where one runs."""
    pid = phone / "pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.killpg(int(pid.read_text()), signal.SIGKILL)  # it leads a session of its own
    pid.unlink(missing_ok=True)


def am(arguments: list[str]) -> int:
    """Android's activity manager, which starts the app and does not wait for it to end."""
    import subprocess

    phones, phone = load(), Path(os.environ["PHONE"])
    if arguments[0] == "force-stop":
        stop(phone)
        return 0
    assert arguments[:5] == ["start", "-W", "-S", "-n", f"{PACKAGE}/.BenchActivity"]
    assert arguments[5:7] == ["--es", "job"]
    if phones.app == "no activity":
        sys.stdout.write(f"Error type 3\nError: Activity class {{{arguments[4]}}} does not exist.\n")
        return 0
    with (phone / "app.log").open("w") as log:
        command = [sys.executable, str(Path(__file__).resolve()), "app", arguments[7]]
        app = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (phone / "pid").write_text(f"{app.pid}\n")
    sys.stdout.write("Starting: Intent { }\nStatus: ok\nComplete\n")
    return 0


def app(job_file: Path) -> int:
    """The demo app: does its job with the runner that the project copies to boards."""
    import hashlib
    import subprocess
    import tempfile

    from ssc_deploy.profiling import runner_archive

    phones, folder = load(), job_file.parent
    nonce = json.loads(job_file.read_text())["nonce"]

    def say(state: str, **more: str) -> None:
        told = "another" if phones.app == "other status" else nonce
        status = {"schema_version": 1, "nonce": told, "state": state, **more}
        (folder / "status.part").write_text("{" if phones.app == "garbled" else json.dumps(status))
        (folder / "status.part").replace(folder / "status.json")

    if phones.app == "mute":
        time.sleep(600)
    say("running", line="golden set")
    if phones.app == "dies":
        return 1
    if phones.app == "hangs":
        time.sleep(600)
    if phones.app == "fails":
        say("failed", message="model0.onnx is damaged: it has not the SHA-256 that the job names.")
        return 1
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, runner_archive.write(Path(place)), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        say("failed", message=done.stderr.splitlines()[-1])
        return 1
    result = folder / "result.json"
    if phones.app == "old result":
        result.write_text(result.read_text().replace(nonce, "0" * 16))
    digest = hashlib.sha256(result.read_bytes()).hexdigest()
    if phones.app == "other bytes":
        result.write_text(result.read_text() + " ")
    say("done", result_sha256=digest)
    return 0


def misbehaves() -> int | None:
    """The exit code of a benchmark program that does not do its work."""
    behaviour = load().benchmark
    if behaviour == "refuses":
        sys.stdout.write("ERROR: Failed to load model\nBenchmarking failed.\n")
        return 1
    return 139 if behaviour == "crashes" else None


def benchmark_model(arguments: list[str]) -> int:
    """TFLite's, as far as it is used: options it does not know end it, as those of the real one do."""
    given = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    known = {"graph", "num_threads", "num_runs", "min_secs", "warmup_runs", "warmup_min_secs", "use_xnnpack"}
    if set(given) - known or not Path(given["graph"]).is_file():
        sys.stdout.write("Unconsumed cmdline flags\n")
        return 1
    if (code := misbehaves()) is not None:
        return code
    sys.stdout.write(f"""INFO: STARTING!
INFO: Graph: [{given["graph"]}]
INFO: Running benchmark for at least 1 iterations and at least {given["warmup_min_secs"]} seconds but terminate ...
INFO: count=61 first=2014 curr=803 min=790 max=2014 avg=821.4 std=150

INFO: Running benchmark for at least 1 iterations and at least 0 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=812

INFO: Inference timings in us: Init: 4521, First inference: 2014, Warmup (avg): 821.4, Inference (avg): 812
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE ...
""")
    return 0


def onnxruntime_perf_test(arguments: list[str]) -> int:
    """ONNX Runtime's, likewise."""
    *options, model, times = arguments
    assert options[:5] == ["-I", "-e", "cpu", "-m", "times"]
    runs = int(options[options.index("-r") + 1])
    assert Path(model).is_file()
    if (code := misbehaves()) is not None:
        return code
    with Path(times).open("a") as file:
        for run in range(runs):
            file.write(f"model,{0.0009 if run < 2 else 0.000512345},36696064,96,{run}\n")
    sys.stdout.write("Session creation time cost: 0.0102016 s\nFirst inference time cost: 2 ms\n")
    sys.stdout.write(f"Total inference requests: {runs}\nAvg CPU usage: 96 %\n")
    return 0


PARTS = {
    "adb": adb,
    "am": am,
    "app": lambda rest: app(Path(rest[0])),
    "benchmark_model": benchmark_model,
    "onnxruntime_perf_test": onnxruntime_perf_test,
}


def main() -> int:
    return PARTS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
