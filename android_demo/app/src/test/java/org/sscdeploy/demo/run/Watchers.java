package org.sscdeploy.demo.run;

/** Lets tests of other packages see who watches. */
public final class Watchers {
    private Watchers() { }

    /** How many. */
    public static int of(RunSlot<?, ?> slot) {
        return slot.watchers();
    }
}
