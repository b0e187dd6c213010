package org.sscdeploy.core.bench;

/**
 * One turn of a model.
 *
 * @param startNanos   when its first kept run began, since the first turn of all models
 * @param samplesNanos what each kept run took, in order
 */
public record Turn(long startNanos, long[] samplesNanos) {
    public Turn {
        samplesNanos = samplesNanos.clone();
    }

    /** What each kept run took, in order; a copy. */
    public long[] samplesNanos() {
        return samplesNanos.clone();
    }
}
