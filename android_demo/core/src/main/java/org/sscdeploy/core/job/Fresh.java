package org.sscdeploy.core.job;

import java.util.OptionalLong;

/** A process that does nothing but load the model and run it once. Immutable. */
public final class Fresh {
    private final long loadNanos;
    private final long firstNanos;
    private final OptionalLong peakBytes;
    private final OptionalLong baselineBytes;

    /**
     * All of it.
     *
     * @param loadNanos     from the file to a runner that can be called
     * @param firstNanos    the first inference
     * @param peakBytes     resident memory at most; empty where the system does not tell
     * @param baselineBytes the same before the model was loaded
     */
    public Fresh(long loadNanos, long firstNanos, OptionalLong peakBytes, OptionalLong baselineBytes) {
        this.loadNanos = loadNanos;
        this.firstNanos = firstNanos;
        this.peakBytes = peakBytes;
        this.baselineBytes = baselineBytes;
    }

    /** From the file to a runner that can be called. */
    public long loadNanos() {
        return loadNanos;
    }

    /** The first inference. */
    public long firstNanos() {
        return firstNanos;
    }

    /** Resident memory at most; empty where the system does not tell. */
    public OptionalLong peakBytes() {
        return peakBytes;
    }

    /** The same before the model was loaded. */
    public OptionalLong baselineBytes() {
        return baselineBytes;
    }
}
