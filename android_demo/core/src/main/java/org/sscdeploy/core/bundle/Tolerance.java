package org.sscdeploy.core.bundle;

import java.util.List;

/**
 * How far outputs may be from the float64 reference, over all golden inferences together.
 *
 * @param max  of the largest absolute difference
 * @param rms  of the root of the mean squared difference
 * @param axes bounds of the slices along some axes; where an axis has none, {@code max} is that of each slice
 */
public record Tolerance(double max, double rms, List<AxisBound> axes) {
    public Tolerance {
        axes = List.copyOf(axes);
    }

    /** Bounds of the whole, and of slices along some axes. */
    public Tolerance(double max, double rms, AxisBound... axes) {
        this(max, rms, List.of(axes));
    }

    /** Whether the bounds of slices are of values of such a shape. */
    public boolean fits(int... shape) {
        return axes.stream().allMatch(bound -> bound.axis() < shape.length && shape[bound.axis()] == bound.size());
    }
}
