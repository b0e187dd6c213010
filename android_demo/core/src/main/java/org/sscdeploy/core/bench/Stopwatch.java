package org.sscdeploy.core.bench;

import java.util.Arrays;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;

/** Times single inferences with the monotonic clock. */
record Stopwatch(Clocks clocks, Cancellation cancellation) {
    long now() {
        return clocks.monotonicNanos();
    }

    /** What each run takes, in nanoseconds, until both bounds are reached. */
    long[] timed(LoadedModel model, int runs, long nanoseconds) throws EngineException, CancelledException {
        long[] samples = new long[Math.max(64, Math.min(runs, 1 << 16))];
        int count = 0;
        long total = 0;
        while (count < runs || total < nanoseconds) {
            cancellation.check();
            long start = clocks.monotonicNanos();
            model.run();
            long sample = clocks.monotonicNanos() - start;
            if (sample <= 0) {
                throw new EngineException(FailureKind.CLOCK, "the monotonic clock moved by " + sample
                    + " ns during an inference; nothing can be timed");
            }
            if (count == samples.length) {
                samples = Arrays.copyOf(samples, 2 * count);
            }
            samples[count++] = sample;
            total += sample;
        }
        return Arrays.copyOf(samples, count);
    }
}
