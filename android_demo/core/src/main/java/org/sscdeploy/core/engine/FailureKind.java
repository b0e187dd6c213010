package org.sscdeploy.core.engine;

import java.util.Locale;

/** What can be wrong with one model on a device; the texts are those of {@code ssc_deploy.profiling.job}. */
public enum FailureKind {
    /** The runtime is not there, or the device refuses its library. */
    NO_RUNTIME,
    /** The runtime does not load the file. */
    REFUSED,
    /** It does not reproduce its golden outputs; it is not timed. */
    WRONG_ANSWER,
    /** The runtime fails, or memory runs out, while it runs the file. */
    FAILED,
    /** The clock of the device went back or stood still. */
    CLOCK;

    /** As JSON has it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
