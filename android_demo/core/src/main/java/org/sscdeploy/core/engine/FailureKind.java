package org.sscdeploy.core.engine;

/** What can be wrong with one model on a device; the texts are those of {@code ssc_deploy.profiling.job}. */
public enum FailureKind {
    /** The runtime is not there, or the device refuses its library. */
    NO_RUNTIME("no runtime"),
    /** The runtime does not load the file. */
    REFUSED("refused"),
    /** It does not reproduce its golden outputs; it is not timed. */
    WRONG("wrong answer"),
    /** The runtime fails, or memory runs out, while it runs the file. */
    FAILED("failed"),
    /** The clock of the device went back or stood still. */
    CLOCK("clock");

    private final String text;

    FailureKind(String text) {
        this.text = text;
    }

    /** As JSON has it. */
    public String text() {
        return text;
    }
}
