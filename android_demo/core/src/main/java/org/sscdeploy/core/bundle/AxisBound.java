package org.sscdeploy.core.bundle;

/**
 * What the differences of the slices along one axis may be, where their ranges differ.
 *
 * @param axis of the output, at least 1; 0 is the batch
 * @param max  of the largest absolute difference of each slice, at least one
 */
public record AxisBound(int axis, double... max) {
    public AxisBound {
        if (axis < 1 || max.length == 0) {
            throw new IllegalArgumentException("an axis after the batch has at least one slice");
        }
        max = max.clone();
    }

    /** A copy of all bounds. */
    public double[] max() {
        return max.clone();
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
