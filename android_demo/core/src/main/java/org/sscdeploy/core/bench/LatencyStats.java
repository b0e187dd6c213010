package org.sscdeploy.core.bench;

import java.util.List;

/**
 * What the kept runs of one model took, in nanoseconds; {@code ssc_deploy.profiling.statistics}.
 *
 * @param runs        how many
 * @param p50         the median
 * @param p90         nine of ten are not longer
 * @param p95         nineteen of twenty are not longer
 * @param p99         99 of a hundred are not longer
 * @param p50Interval of p50, 95 %
 * @param unsteady    reasons in a few words; empty where the run was steady
 */
public record LatencyStats(int runs, double p50, double p90, double p95, double p99, Interval p50Interval,
        List<String> unsteady) {
    /** Whether the run was steady. */
    public boolean steady() {
        return unsteady.isEmpty();
    }
}
