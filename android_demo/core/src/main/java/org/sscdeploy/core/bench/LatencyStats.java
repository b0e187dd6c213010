package org.sscdeploy.core.bench;

import java.util.List;

/** What the kept runs of one model took, in nanoseconds; {@code ssc_deploy.profiling.statistics}. Immutable. */
public final class LatencyStats {
    private final int runs;
    private final int turns;
    private final double min;
    private final double p50;
    private final double p90;
    private final double p95;
    private final double p99;
    private final double mean;
    private final double std;
    private final Interval p50Interval;
    private final double drift;
    private final double spread;
    private final List<String> unsteady;

    LatencyStats(int runs, int turns, double min, double[] quantiles, double mean, double std, Interval p50Interval,
            double drift, double spread, List<String> unsteady) {
        this.runs = runs;
        this.turns = turns;
        this.min = min;
        this.p50 = quantiles[0];
        this.p90 = quantiles[1];
        this.p95 = quantiles[2];
        this.p99 = quantiles[3];
        this.mean = mean;
        this.std = std;
        this.p50Interval = p50Interval;
        this.drift = drift;
        this.spread = spread;
        this.unsteady = unsteady;
    }

    /** How many. */
    public int runs() {
        return runs;
    }

    /** In how many turns. */
    public int turns() {
        return turns;
    }

    /** The shortest. */
    public double min() {
        return min;
    }

    /** The median. */
    public double p50() {
        return p50;
    }

    /** Nine of ten are not longer. */
    public double p90() {
        return p90;
    }

    /** Nineteen of twenty are not longer. */
    public double p95() {
        return p95;
    }

    /** 99 of a hundred are not longer. */
    public double p99() {
        return p99;
    }

    /** Of all. */
    public double mean() {
        return mean;
    }

    /** Standard deviation of all. */
    public double std() {
        return std;
    }

    /** Of {@link #p50}, 95 %. */
    public Interval p50Interval() {
        return p50Interval;
    }

    /** Median of the last third of the turns / that of the first third - 1. */
    public double drift() {
        return drift;
    }

    /** Interquartile range of the turns' medians / {@link #p50}. */
    public double spread() {
        return spread;
    }

    /** Reasons in a few words; empty where the run was steady. */
    public List<String> unsteady() {
        return unsteady;
    }

    /** Whether the run was steady. */
    public boolean steady() {
        return unsteady.isEmpty();
    }
}
