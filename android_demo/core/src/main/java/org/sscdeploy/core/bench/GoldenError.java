package org.sscdeploy.core.bench;

/** Distance of one output of a model from its reference, over all golden inferences together. Immutable. */
public final class GoldenError {
    private final double max;
    private final double rms;

    /**
     * Both distances.
     *
     * @param max the largest absolute difference; infinite where an output is not finite
     * @param rms the root of the mean squared difference; infinite likewise
     */
    public GoldenError(double max, double rms) {
        this.max = max;
        this.rms = rms;
    }

    /** The largest absolute difference; infinite where an output is not finite. */
    public double max() {
        return max;
    }

    /** The root of the mean squared difference; infinite likewise. */
    public double rms() {
        return rms;
    }

    /** Whether both are finite. */
    public boolean isFinite() {
        return Double.isFinite(max) && Double.isFinite(rms);
    }
}
