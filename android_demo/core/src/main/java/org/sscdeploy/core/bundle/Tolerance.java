package org.sscdeploy.core.bundle;

/** How far outputs may be from the float64 reference, over all golden inferences together. Immutable. */
public final class Tolerance {
    private final double max;
    private final double rms;

    /**
     * Two bounds.
     *
     * @param max of the largest absolute difference
     * @param rms of the root of the mean squared difference
     */
    public Tolerance(double max, double rms) {
        this.max = max;
        this.rms = rms;
    }

    /** Bound of the largest absolute difference. */
    public double max() {
        return max;
    }

    /** Bound of the root of the mean squared difference. */
    public double rms() {
        return rms;
    }
}
