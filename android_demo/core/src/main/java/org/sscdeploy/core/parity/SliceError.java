package org.sscdeploy.core.parity;

import java.util.Optional;
import org.sscdeploy.core.bundle.Tolerance;

/**
 * A slice of an output, such as a channel, that is outside of its own bound.
 *
 * @param axis  axis of the output that it is a slice of; 0 is the batch
 * @param index its place along that axis, 0 the first
 * @param error its largest absolute difference to the reference
 * @param bound what that may be
 */
public record SliceError(int axis, int index, double error, double bound) {
    /**
     * The value that is furthest outside of the bound of its slice, beside that bound.
     *
     * @param differences of one inference, of any sign, the last axis fastest
     * @param shape       of them, which the bounds fit; the first axis is the batch
     * @return empty where every value is within, or there are no bounds of slices
     */
    public static Optional<SliceError> worst(double[] differences, int[] shape, Tolerance allowed) {
        SliceError worst = null;
        for (var bound : allowed.axes()) {
            int stride = 1;
            for (int axis = bound.axis() + 1; axis < shape.length; axis++) {
                stride *= shape[axis];
            }
            for (int i = 0; i < differences.length; i++) {
                int slice = i / stride % bound.size();
                double error = Math.abs(differences[i]);
                boolean outside = !(error <= bound.max(slice)); // NaN is
                if (outside && (worst == null || error / bound.max(slice) > worst.error / worst.bound)) {
                    worst = new SliceError(bound.axis(), slice, error, bound.max(slice));
                }
            }
        }
        return Optional.ofNullable(worst);
    }
}
