package org.sscdeploy.core.bench;

/** One turn of a model. Immutable. */
public final class Turn {
    private final long startNanos;
    private final long[] samplesNanos;

    /**
     * What was timed in a turn.
     *
     * @param startNanos   when its first kept run began, since the first turn of all models
     * @param samplesNanos what each kept run took, in order
     */
    public Turn(long startNanos, long[] samplesNanos) {
        this.startNanos = startNanos;
        this.samplesNanos = samplesNanos.clone();
    }

    /** When its first kept run began, since the first turn of all models at this number of threads. */
    public long startNanos() {
        return startNanos;
    }

    /** What each kept run took, in order; a copy. */
    public long[] samplesNanos() {
        return samplesNanos.clone();
    }
}
