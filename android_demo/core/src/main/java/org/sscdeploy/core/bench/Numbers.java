package org.sscdeploy.core.bench;

import java.util.Arrays;

/** numpy's ways to add up and to interpolate, operation by operation, so that the last bit is the same. */
final class Numbers {
    private static final int PAIRWISE = 128;

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

    /** {@code np.mean} of a part of an array. */
    static double mean(double[] values, int from, int to) {
        return sum(values, from, to - from) / (to - from);
    }

    /** {@code np.std}. */
    static double std(double[] values) {
        double mean = mean(values, 0, values.length);
        double[] squares = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            squares[i] = (values[i] - mean) * (values[i] - mean);
        }
        return Math.sqrt(mean(squares, 0, squares.length));
    }

    /** numpy adds up halves of halves, and eight lanes in a piece that is short enough. */
    private static double sum(double[] values, int from, int count) {
        if (count > PAIRWISE) {
            int half = count / 2;
            half -= half % 8;
            return sum(values, from, half) + sum(values, from + half, count - half);
        }
        int lanes = count - count % 8;
        double total = 0;
        if (lanes > 0) {
            double[] r = Arrays.copyOfRange(values, from, from + 8);
            for (int i = 8; i < lanes; i += 8) {
                for (int lane = 0; lane < 8; lane++) {
                    r[lane] += values[from + i + lane];
                }
            }
            total = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
        }
        for (int i = lanes; i < count; i++) {
            total += values[from + i];
        }
        return total;
    }
}
