package org.sscdeploy.demo.profile;

import java.util.Optional;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.core.bench.LatencyStats;

/** One runtime at one number of threads. Immutable. */
public final class ProfileEntry {
    private final String name;
    private final BenchResult result;
    private final Optional<LatencyStats> stats;

    ProfileEntry(String name, BenchResult result) {
        this.name = name;
        this.result = result;
        this.stats = result.stats();
    }

    /** Of the runtime with its options, for people. */
    public String name() {
        return name;
    }

    /** What was measured. */
    public BenchResult result() {
        return result;
    }

    /** The figures; empty where there are none, for which the result has a reason. */
    public Optional<LatencyStats> stats() {
        return stats;
    }
}
