"""Notices what the monotonic clock does not show: that the wall clock was set, or that the device slept."""

from __future__ import annotations

import time


class ClockWatch:
    """Reads the clocks of the device when it is made, and compares them with what they show later."""

    def __init__(self) -> None:
        self._start = self._read()

    @staticmethod
    def _read() -> dict[str, int]:
        read = {"wall": time.time_ns(), "monotonic": time.monotonic_ns()}
        if hasattr(time, "CLOCK_BOOTTIME"):
            read["boot"] = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return read

    def notes(self) -> list[str]:
        """Sentences about what happened since the start."""
        return self.compare(self._start, self._read())

    @staticmethod
    def compare(before: dict[str, int], after: dict[str, int]) -> list[str]:
        """The same for two given readings, in nanoseconds."""
        passed = {name: (after[name] - before[name]) / 1e9 for name in before}
        slept = passed.get("boot", passed["monotonic"]) - passed["monotonic"]
        jumped = passed["wall"] - passed["monotonic"] - slept
        notes = []
        if slept > 0.1:
            notes.append(f"the device slept for {slept:.1f} s during the run; measure again with it kept awake")
        # Time services slew a clock by at most 0.05 %.
        if abs(jumped) > 0.1 + 1e-3 * passed["monotonic"]:
            notes.append(
                f"the wall clock jumped by {jumped:+.1f} s during the run; latencies are of the monotonic clock, "
                "which does not jump"
            )
        return notes
