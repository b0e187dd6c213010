package org.sscdeploy.core.bundle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** How far outputs may be from the float64 reference, over all golden inferences together. Immutable. */
public final class Tolerance {
    private final double max;
    private final double rms;
    private final List<AxisBound> axes;

    /**
     * Bounds of the whole, and of slices that have ranges of their own.
     *
     * @param max  of the largest absolute difference
     * @param rms  of the root of the mean squared difference
     * @param axes bounds of the slices along some axes; where an axis has none, {@code max} is that of each slice
     */
    public Tolerance(double max, double rms, AxisBound... axes) {
        this.max = max;
        this.rms = rms;
        this.axes = Collections.unmodifiableList(new ArrayList<>(Arrays.asList(axes)));
    }

    /** Bound of the largest absolute difference. */
    public double max() {
        return max;
    }

    /** Bound of the root of the mean squared difference. */
    public double rms() {
        return rms;
    }

    /** Bounds of slices, each axis once; empty where there are none. */
    public List<AxisBound> axes() {
        return axes;
    }

    /** Whether the bounds of slices are of values of such a shape. */
    public boolean fits(int... shape) {
        return axes.stream().allMatch(bound -> bound.axis() < shape.length && shape[bound.axis()] == bound.size());
    }
}
