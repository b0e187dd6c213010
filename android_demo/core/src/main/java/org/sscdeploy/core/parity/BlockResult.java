package org.sscdeploy.core.parity;

import java.util.Optional;
import org.sscdeploy.core.bundle.Tolerance;

/** One block of a debug bundle on this device. Immutable. */
public final class BlockResult {
    private final int index;
    private final String name;
    private final double max;
    private final double rms;
    private final Tolerance tolerance;
    private final Optional<SliceError> slice;

    BlockResult(int index, String name, double max, double rms, Tolerance tolerance, Optional<SliceError> slice) {
        this.index = index;
        this.name = name;
        this.max = max;
        this.rms = rms;
        this.tolerance = tolerance;
        this.slice = slice;
    }

    /** Its place among the blocks, 0 the first. */
    public int index() {
        return index;
    }

    /** Path of the module. */
    public String name() {
        return name;
    }

    /** Largest absolute difference to the reference; infinite where a value is not finite. */
    public double max() {
        return max;
    }

    /** Root of the mean squared difference; infinite likewise. */
    public double rms() {
        return rms;
    }

    /** What both are allowed to be. */
    public Tolerance tolerance() {
        return tolerance;
    }

    /** The slice that is furthest outside of its own bound; empty where none is. */
    public Optional<SliceError> slice() {
        return slice;
    }
}
