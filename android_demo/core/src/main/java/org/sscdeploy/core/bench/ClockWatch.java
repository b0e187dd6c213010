package org.sscdeploy.core.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** Notices what the monotonic clock does not show: that the wall clock was set, or that the device slept. */
public final class ClockWatch {
    private final Clocks clocks;
    private final Reading start;

    /** Starts to watch. */
    public ClockWatch(Clocks clocks) {
        this.clocks = clocks;
        start = new Reading(clocks);
    }

    /** Sentences about what happened since the start. */
    public List<String> notes() {
        Reading now = new Reading(clocks);
        double passed = (now.monotonic - start.monotonic) / 1e9;
        double slept = 0;
        if (now.boot.isPresent() && start.boot.isPresent()) {
            slept = (now.boot.getAsLong() - start.boot.getAsLong()) / 1e9 - passed;
        }
        double jumped = (now.wall - start.wall) / 1e9 - passed - slept;
        List<String> notes = new ArrayList<>();
        if (slept > 0.1) {
            notes.add(String.format(Locale.ROOT,
                "the device slept for %.1f s during the run; measure again with it kept awake", slept));
        }
        // Time services slew a clock by at most 0.05 %.
        if (Math.abs(jumped) > 0.1 + 1e-3 * passed) {
            notes.add(String.format(Locale.ROOT, "the wall clock jumped by %+.1f s during the run; latencies are of "
                + "the monotonic clock, which does not jump", jumped));
        }
        return notes;
    }

    /** All clocks at one moment. */
    private record Reading(long wall, long monotonic, OptionalLong boot) {
        Reading(Clocks clocks) {
            this(clocks.wallNanos(), clocks.monotonicNanos(), clocks.bootNanos());
        }
    }
}
