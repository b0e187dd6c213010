package org.sscdeploy.core.bench;

import java.util.Arrays;

/** numpy's ways to interpolate, operation by operation, so that the last bit is the same. */
final class Numbers {
    private Numbers() { }

    /** {@code np.quantile(values, share)}; linear between neighbours. */
    static double quantile(double[] sorted, double share) {
        double place = (sorted.length - 1) * share;
        int below = (int) Math.floor(place);
        int above = Math.min(below + 1, sorted.length - 1);
        double part = place - below;
        double step = sorted[above] - sorted[below];
        return part >= 0.5 ? sorted[above] - step * (1 - part) : sorted[below] + step * part;
    }

    /** {@code np.median}. */
    static double median(double[] values) {
        double[] sorted = sorted(values);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    static double[] sorted(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }
}
