"""An APK's zip: whole, aligned, and the same each time."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_demo.tools import bionic
from ssc_deploy.android import apk, packing
from ssc_deploy.errors import AndroidError

NAMES = st.from_regex(r"[a-zé]{1,40}(\.so|\.png|\.txt|\.onnx)", fullmatch=True)


@pytest.mark.slow
@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=8))
def test_every_file_is_there_and_what_is_stored_is_aligned(files):
    packed = packing.pack(files)
    assert packing.pack(files) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        for entry in archive.infolist():
            if entry.compress_type == zipfile.ZIP_STORED:
                assert apk._offset(archive, entry) % packing.alignment(entry.filename) == 0


def test_native_libraries_begin_at_pages_and_other_stored_files_at_words():
    assert [packing.alignment(name) for name in ("lib/arm64-v8a/a.so", "resources.arsc")] == [16384, 4]


def test_what_is_no_native_library_is_refused():
    with pytest.raises(AndroidError, match="not an ELF file"):
        apk.load_alignment(b"PK" + bytes(100))


def elf(tags):
    """A 64-bit ELF file of one segment, its dynamic section."""
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    header[32:40] = (64).to_bytes(8, "little")
    header[54:58] = (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
    segment = bytearray(56)
    segment[0:4] = (2).to_bytes(4, "little")
    segment[8:16] = (120).to_bytes(8, "little")
    segment[32:40] = (16 * len(tags)).to_bytes(8, "little")
    return bytes(header + segment) + b"".join(tag.to_bytes(8, "little") + bytes(8) for tag in tags)


def test_versions_of_symbols_go_and_everything_else_stays():
    kept = [1, 5, 0x6FFFFFF9, 0x6FFFFFFB, 0x6FFFFEF5]
    versions = [0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF]
    assert bionic.without_versions(elf([*kept, *versions])) == elf([*kept, *([21] * len(versions))])
