package org.sscdeploy.core.bench;

import java.util.List;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;

/** Measures contenders that take turns, as {@code ssc_deploy/profiling/runner.py} does. */
public final class BenchRunner {
    private final Clocks clocks;

    /** Times with these clocks. */
    public BenchRunner(Clocks clocks) {
        this.clocks = clocks;
    }

    /**
     * Replays the golden set of each contender, then times those that are right. What is wrong with one becomes its
     * {@link BenchResult#failure}, running out of memory too; the others go on.
     *
     * @param contenders   that take turns; callers measure at one number of threads, then at the next
     * @param protocol     how to time; null to replay the golden sets and no more
     * @param keepOutputs  whether results hold what the device computed for the golden set
     * @param listener     hears of it
     * @param cancellation asked between inferences
     * @return one each, in order
     * @throws CancelledException it was cancelled
     */
    public List<BenchResult> run(List<Contender> contenders, Protocol protocol, boolean keepOutputs,
            BenchListener listener, Cancellation cancellation) throws CancelledException {
        throw new UnsupportedOperationException(String.valueOf(clocks));
    }
}
