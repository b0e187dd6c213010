package org.sscdeploy.core.bench;

import java.util.List;

/** Notices what the monotonic clock does not show: that the wall clock was set, or that the device slept. */
public final class ClockWatch {
    private final Clocks clocks;

    /** Starts to watch. */
    public ClockWatch(Clocks clocks) {
        this.clocks = clocks;
    }

    /** Sentences about what happened since the start. */
    public List<String> notes() {
        throw new UnsupportedOperationException(String.valueOf(clocks));
    }
}
