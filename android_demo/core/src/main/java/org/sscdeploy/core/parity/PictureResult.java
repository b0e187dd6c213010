package org.sscdeploy.core.parity;

/** One golden picture on this device. Immutable. */
public final class PictureResult {
    private final int index;
    private final double max;
    private final double rms;
    private final boolean within;

    PictureResult(int index, double max, double rms, boolean within) {
        this.index = index;
        this.max = max;
        this.rms = rms;
        this.within = within;
    }

    /** Its place in the golden set. */
    public int index() {
        return index;
    }

    /** Largest absolute difference to the reference; infinite where an output is not finite. */
    public double max() {
        return max;
    }

    /** Root of the mean squared difference; infinite likewise. */
    public double rms() {
        return rms;
    }

    /** Whether every value is within the bounds of the largest; rms is bounded over all pictures together only. */
    public boolean within() {
        return within;
    }
}
