"""A file is either whole and verified, or not there; failures are real ones of real file systems."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ssc_deploy.errors import OutputError, VerificationError
from ssc_deploy.storage.files import together, write_verified


def accept(_path: Path) -> None:
    pass


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_writes_what_verification_saw(tmp_path: Path) -> None:
    seen = []
    target = tmp_path / "made" / "deep" / "net.tflite"

    def verify(path: Path) -> None:
        seen.append((path.suffix, path.parent, path.read_bytes()))
        assert not target.exists()

    write_verified(target, b"content", verify, overwrite=False)
    assert seen == [(".tflite", target.parent, b"content")]
    assert target.read_bytes() == b"content"
    assert names(target.parent) == ["net.tflite"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    write_verified(tmp_path / "net.onnx", b"x", accept, overwrite=False)
    assert (tmp_path / "net.onnx").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")

    def verify(_path: Path) -> None:
        pytest.fail("nothing should be written, let alone verified")

    with pytest.raises(OutputError, match=r"exists already; give `overwrite=True`"):
        write_verified(target, b"new", verify, overwrite=False)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["net.onnx"]


def test_a_dangling_link_counts_as_existing(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="exists already"):
        write_verified(tmp_path / "net.onnx", b"new", accept, overwrite=False)


def test_overwrite_replaces(tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")
    write_verified(target, b"new", accept, overwrite=True)
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["net.onnx"]


@pytest.mark.parametrize("raised", [VerificationError("wrong"), OSError(5, "of the runtime"), KeyboardInterrupt()])
def test_what_verification_raises_is_passed_on_and_the_old_file_stays(tmp_path: Path, raised: BaseException) -> None:
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")

    def verify(_path: Path) -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        write_verified(target, b"new", verify, overwrite=True)
    assert caught.value is raised
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["net.onnx"]


def test_a_failure_leaves_no_new_folder(tmp_path: Path) -> None:
    def verify(_path: Path) -> None:
        raise VerificationError("wrong")

    with pytest.raises(VerificationError):
        write_verified(tmp_path / "a" / "b" / "net.onnx", b"new", verify, overwrite=False)
    assert names(tmp_path) == []


def test_what_somebody_else_wrote_in_the_meantime_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"

    with pytest.raises(OutputError, match="in the meantime"):
        write_verified(target, b"ours", lambda _: target.write_bytes(b"theirs") and None, overwrite=False)
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["net.onnx"]


def test_a_folder_in_the_file_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        write_verified(tmp_path / "net.onnx", b"new", accept, overwrite=True)


def test_a_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"precious")
    with pytest.raises(OutputError, match="a part of the path is a file"):
        write_verified(tmp_path / "out" / "net.onnx", b"new", accept, overwrite=True)
    assert (tmp_path / "out").read_bytes() == b"precious"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux's /proc, where nobody may make files")
def test_an_unwritable_folder_is_refused() -> None:
    with pytest.raises(OutputError, match=r"/proc/self/net\.onnx cannot be written"):
        write_verified(Path("/proc/self/net.onnx"), b"new", accept, overwrite=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="permission denied"):
            write_verified(tmp_path / "net.onnx", b"new", accept, overwrite=True)
    finally:
        tmp_path.chmod(0o700)


def test_a_write_that_fails_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    """The process may write 4096 bytes a file: the kernel takes a part of the data, and fails the next write."""
    pytest.importorskip("resource")
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from ssc_deploy.storage.files import together, write_verified
        from ssc_deploy.errors import OutputError

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_verified(Path(sys.argv[1]), bytes(100_000), lambda path: print("verified"), overwrite=True)
        except OutputError as error:
            print(error)
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True)
    assert "cannot be written: the file would be larger" in done.stdout
    assert "verified" not in done.stdout
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["net.onnx"]


@pytest.fixture
def mounted(tmp_path: Path):
    """A function that mounts a tmpfs with the options; skipped where that is not allowed."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a file system needs privileges; the failing write above runs everywhere")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.needs("mount", "umount")
def test_a_full_disk_leaves_the_old_file(mounted) -> None:
    folder = mounted("size=64k")
    target = folder / "net.onnx"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="the disk is full"):
        write_verified(target, bytes(100_000), accept, overwrite=True)
    assert target.read_bytes() == b"old"
    assert names(folder) == ["net.onnx"]


@pytest.mark.needs("mount", "umount")
def test_a_read_only_file_system_is_refused(mounted) -> None:
    folder = mounted("size=64k,ro")
    with pytest.raises(OutputError, match="the file system is read-only"):
        write_verified(folder / "net.onnx", b"new", accept, overwrite=True)


def test_several_files_come_to_be_together(tmp_path: Path) -> None:
    with together(overwrite=False) as files:
        for name in ("net.onnx", "net.tflite"):
            assert files.add(tmp_path / name, name.encode()).read_bytes() == name.encode()
        assert not {"net.onnx", "net.tflite"} & set(names(tmp_path))
    assert sorted(names(tmp_path)) == ["net.onnx", "net.tflite"]


def test_of_several_files_none_is_left_or_replaced_when_one_fails(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"old")

    def write() -> None:
        with together(overwrite=True) as files:
            files.add(tmp_path / "net.onnx", b"new")
            files.add(tmp_path / "made" / "net.tflite", b"new")
            raise VerificationError("the second is wrong")

    with pytest.raises(VerificationError):
        write()
    assert names(tmp_path) == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == b"old"


@pytest.mark.parametrize("old", [{"a.onnx": b"old a", "b.onnx": b"old b"}, {"b.onnx": b"old b"}, {}])
@pytest.mark.parametrize("raised", [OSError(5, "of the disk"), KeyboardInterrupt()])
def test_where_the_second_file_cannot_be_moved_the_first_one_is_taken_back(tmp_path, monkeypatch, old, raised):
    for name, content in old.items():
        (tmp_path / name).write_bytes(content)
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "c.onnx":
            raise raised
        return replace(self, target)

    def write() -> None:
        with together(overwrite=True) as files:
            for name in ("a.onnx", "b.onnx", "c.onnx"):
                files.add(tmp_path / name, b"new")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_file_that_somebody_else_wrote_in_the_meantime_stays_and_the_others_are_taken_back(tmp_path):
    def write() -> None:
        with together(overwrite=False) as files:
            files.add(tmp_path / "a.onnx", b"ours")
            files.add(tmp_path / "b.onnx", b"ours")
            files.add(tmp_path / "c.onnx", b"ours")
            (tmp_path / "b.onnx").write_bytes(b"theirs")

    with pytest.raises(OutputError, match="in the meantime"):
        write()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"b.onnx": b"theirs"}


def test_a_link_that_is_replaced_is_put_back_as_a_link(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"old")
    (tmp_path / "a.onnx").symlink_to("elsewhere")

    def write() -> None:
        with together(overwrite=True) as files:
            files.add(tmp_path / "a.onnx", b"new")
            files.add(tmp_path / "b.onnx", b"new")
            (tmp_path / "b.onnx").mkdir()

    with pytest.raises(OutputError, match="it is a folder"):
        write()
    assert (tmp_path / "a.onnx").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"old"
