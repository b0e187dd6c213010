package org.sscdeploy.core.parity;

import java.util.Arrays;

/**
 * How far values are from their reference.
 *
 * @param max the largest absolute difference; infinite where a value is not finite
 * @param rms the root of the mean squared difference; infinite likewise
 */
public record Distance(double max, double rms) {
    /** Whether both are finite. */
    public boolean isFinite() {
        return Double.isFinite(max) && Double.isFinite(rms);
    }

    /** Of each value to its reference, of which there are as many. */
    public static double[] differences(float[] values, double[] reference) {
        double[] differences = new double[values.length];
        Arrays.setAll(differences, i -> values[i] - reference[i]);
        return differences;
    }

    /**
     * Of differences.
     *
     * @param differences of any sign; where one is not finite, or there are none, both distances are infinite
     */
    public static Distance of(double[] differences) {
        double max = differences.length == 0 ? Double.POSITIVE_INFINITY : 0;
        for (double difference : differences) {
            max = Math.max(max, Math.abs(difference)); // NaN where one is
        }
        if (Double.isNaN(max) || Double.isInfinite(max)) {
            return new Distance(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
        }
        double scale = max > 0 ? max : 1; // the square of a large difference may not be finite
        double total = 0;
        for (double difference : differences) {
            total += difference / scale * (difference / scale);
        }
        return new Distance(max, scale * Math.sqrt(total / differences.length));
    }
}
