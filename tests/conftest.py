"""What holds for all tests."""

import collections
import copy
import functools
import gc
import os
import random
import sys
import zlib

import hypothesis
import programs
import pytest

# One thread each: the workers of pytest-xdist take all cores, and two threads that wait for one core spin.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Workers and many tests start Python anew. Where bytecode is not kept, each of them compiles torch again, for 10 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# To look again and again at the many objects of an export takes a fifth of its time.
gc.set_threshold(50_000, 20, 20)

# The same examples each time, so that no run fails by luck. `python -m tests.fuzz` draws others.
hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("fuzz", derandomize=False, database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("fixed")


#: Files that take longest, which begin first, so that no worker is left alone with one of them in the end.
LONGEST = (
    *("test_pipeline.py", "test_export.py", "test_adb.py", "test_commands.py", "test_train.py", "test_tune.py"),
    *("test_qemu.py", "test_ssh.py", "test_recognise_movement.py", "test_runner.py", "test_bundle.py"),
    *("test_qemu_root.py", "test_bad_input.py", "test_profile.py", "test_benchmark_run.py", "test_onnx.py"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the cases of a test as slow, except as many as its mark ``quick(count)`` says; orders the files."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    cases = collections.defaultdict(list)
    for item in items:
        if item.get_closest_marker("quick") and not item.get_closest_marker("slow"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for ours in cases.values():
        (count,) = ours[0].get_closest_marker("quick").args
        # Any of them, and the same each time: cases that follow one another are too much alike.
        for item in sorted(ours, key=lambda item: zlib.crc32(item.nodeid.encode()))[count:]:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Lets the garbage collector pass over what was imported: a million objects that live as long as the tests."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test whose programs are missing, and lets each begin with the same random numbers."""
    lacking = programs.lacking(name for mark in item.iter_markers("needs") for name in mark.args)
    if lacking and os.environ.get(programs.REQUIRE):
        pytest.fail(f"{lacking} ({programs.REQUIRE} is set)", pytrace=False)
    if lacking:
        pytest.skip(lacking)
    read_translations_once()
    list_operators_once()
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        # Not `torch.manual_seed`, which also asks all other devices and keeps a stack trace of each call for them.
        sys.modules["torch"].default_generator.manual_seed(0)


def read_translations_once() -> None:
    """Lets all exports of a process share what torch's exporter reads anew in each: its translations of all operators.

    That is two thirds of the time of a small export. A torch that reads them elsewhere only makes the tests slower.
    """
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    registry = getattr(module, "ONNXRegistry", None)
    read = getattr(registry, "from_torchlib", None)
    if read is None or hasattr(read, "cache_info"):
        return
    shared = functools.cache(read)

    @functools.wraps(shared)
    def own(*args: object, **options: object) -> object:
        found = copy.copy(shared(*args, **options))
        found.functions = {name: list(translations) for name, translations in found.functions.items()}
        return found

    own.cache_info = shared.cache_info
    registry.from_torchlib = staticmethod(own)


class _OfAnyType(type):
    def __getitem__(cls, _types: object) -> type:
        return cls

    def __instancecheck__(cls, instance: object) -> bool:
        return callable(instance)


class AnyCallable(metaclass=_OfAnyType):
    """In the place of `collections.abc.Callable`, whatever it takes and returns."""


def list_operators_once() -> None:
    """Lets all exports of a process share what else torch makes anew 60 times and more in each.

    It lists the operators that C++ registers, since a library may register more of them; the tests register none. And
    it makes 23,000 types of functions, for annotations that nobody reads.
    """
    module = sys.modules.get("torch._export.utils")
    listed = getattr(module, "_materialize_cpp_cia_ops", None)
    if listed is not None and not hasattr(listed, "cache_info"):
        module._materialize_cpp_cia_ops = functools.cache(listed)
        if hasattr(sys.modules["torch._ops"], "Callable"):
            sys.modules["torch._ops"].Callable = AnyCallable
