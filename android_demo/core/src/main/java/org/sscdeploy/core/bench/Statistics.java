package org.sscdeploy.core.bench;

import java.util.List;

/** Figures from raw samples, and how sure they are: the same as {@code ssc_deploy.profiling.statistics} gives. */
public final class Statistics {
    private Statistics() { }

    /**
     * Summarises samples.
     *
     * @param turns at least one, each with a sample
     */
    public static LatencyStats latency(List<Turn> turns) {
        throw new UnsupportedOperationException();
    }

    /**
     * Compares two models that took turns in one run.
     *
     * @param first  at least one turn
     * @param second as many turns
     */
    public static Ratio interleaved(List<Turn> first, List<Turn> second) {
        throw new UnsupportedOperationException();
    }

    /** Compares two models that were measured in separate runs, by their p50. */
    public static Ratio apart(List<Turn> first, List<Turn> second) {
        throw new UnsupportedOperationException();
    }
}
