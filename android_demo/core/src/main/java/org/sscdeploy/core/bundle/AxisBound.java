package org.sscdeploy.core.bundle;

/** What the differences of the slices along one axis may be, where their ranges differ. Immutable. */
public final class AxisBound {
    private final int axis;
    private final double[] max;

    /**
     * Bounds of slices.
     *
     * @param axis of the output, at least 1; 0 is the batch
     * @param max  of the largest absolute difference of each slice, at least one
     */
    public AxisBound(int axis, double... max) {
        if (axis < 1 || max.length == 0) {
            throw new IllegalArgumentException("an axis after the batch has at least one slice");
        }
        this.axis = axis;
        this.max = max.clone();
    }

    /** The axis; 0 is the batch. */
    public int axis() {
        return axis;
    }

    /** How many slices there are. */
    public int size() {
        return max.length;
    }

    /** Bound of a slice. */
    public double max(int slice) {
        return max[slice];
    }
}
