"""What native code writes to file descriptor 2 while an interpreter is made."""

import os
import threading
from pathlib import Path

import pytest

from ssc_deploy.runtimes import native_notes


def test_notes_are_dropped_and_everything_else_is_passed_on_in_order(capfd):
    os.write(2, b"before\n")
    with native_notes.withheld():
        os.write(2, b"INFO: Created a delegate.\nERROR: no memory\nWARNING: slow\nINFO: done\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "before\nERROR: no memory\nWARNING: slow\nafter\n"


def refused_with_a_message():
    with native_notes.withheld():
        os.write(2, b"ERROR: offset\nINFO: gone\n")
        raise ValueError("refused")


def test_what_was_written_before_an_exception_is_passed_on(capfd):
    with pytest.raises(ValueError, match="refused"):
        refused_with_a_message()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "ERROR: offset\nafter\n"


def test_descriptors_are_closed_again():
    before = len(list(Path("/dev/fd").iterdir()))
    with native_notes.withheld():
        pass
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_threads_that_overlap_leave_the_descriptor_as_it_was(capfd):
    first_inside, second_inside, first_left = threading.Event(), threading.Event(), threading.Event()

    def first():
        with native_notes.withheld():
            first_inside.set()
            second_inside.wait(0.2)  # the lock keeps it out; without one it enters here, and leaves last
        first_left.set()

    def second():
        assert first_inside.wait(60)
        with native_notes.withheld():
            second_inside.set()
            os.write(2, b"INFO: gone\nkept\n")
            assert first_left.wait(60)

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "kept\nafter\n"
