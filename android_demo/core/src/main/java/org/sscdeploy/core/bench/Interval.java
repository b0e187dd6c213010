package org.sscdeploy.core.bench;

/** A 95 % interval; both ends are of the unit of what it is about. Immutable. */
public final class Interval {
    private final double low;
    private final double high;

    /** Both ends. */
    public Interval(double low, double high) {
        this.low = low;
        this.high = high;
    }

    /** The lower end. */
    public double low() {
        return low;
    }

    /** The upper end. */
    public double high() {
        return high;
    }
}
