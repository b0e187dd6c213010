package org.sscdeploy.core.bench;

import static org.junit.Assert.assertEquals;

import java.util.OptionalLong;
import org.junit.Test;

public class ClockWatchTest {
    private static final long SECOND = 1_000_000_000;

    private long monotonic = 5 * SECOND;
    private long wall = 1_700_000_000L * SECOND;
    private long boot = 9 * SECOND;
    private boolean hasBoot = true;

    private final Clocks clocks = new Clocks() {
        @Override
        public long monotonicNanos() {
            return monotonic;
        }

        @Override
        public long wallNanos() {
            return wall;
        }

        @Override
        public OptionalLong bootNanos() {
            return hasBoot ? OptionalLong.of(boot) : OptionalLong.empty();
        }
    };

    @Test
    public void clocksThatAgreeAreNotNoted() {
        assertEquals("[]", notes(60, 60, 60));
        assertEquals("[]", notes(60, 60.03, 60));
    }

    @Test
    public void sleepIsNotedAndNotTakenForAJump() {
        assertEquals("[the device slept for 2.5 s during the run; measure again with it kept awake]",
            notes(10, 12.5, 12.5));
    }

    @Test
    public void aWallClockThatWasSetIsNoted() {
        assertEquals("[the wall clock jumped by -3600.0 s during the run; latencies are of the monotonic clock, which "
            + "does not jump]", notes(10, -3590, 10));
    }

    @Test
    public void withoutABootClockSleepLooksLikeAJump() {
        hasBoot = false;
        assertEquals("[the wall clock jumped by +2.5 s during the run; latencies are of the monotonic clock, which "
            + "does not jump]", notes(10, 12.5, 0));
    }

    private String notes(double monotonicSeconds, double wallSeconds, double bootSeconds) {
        ClockWatch watch = new ClockWatch(clocks);
        monotonic += Math.round(monotonicSeconds * SECOND);
        wall += Math.round(wallSeconds * SECOND);
        boot += Math.round(bootSeconds * SECOND);
        return watch.notes().toString();
    }
}
