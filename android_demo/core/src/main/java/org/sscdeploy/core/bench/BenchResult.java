package org.sscdeploy.core.bench;

import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.Tensor;

/** What was measured of one contender. Immutable. */
public final class BenchResult {
    private final Contender contender;
    private final List<GoldenError> golden;
    private final List<List<Tensor>> outputs;
    private final List<Turn> turns;
    private final Optional<EngineException> failure;

    BenchResult(Contender contender, List<GoldenError> golden, List<List<Tensor>> outputs, List<Turn> turns,
            Optional<EngineException> failure) {
        this.contender = contender;
        this.golden = golden;
        this.outputs = outputs;
        this.turns = turns;
        this.failure = failure;
    }

    /** What it is about. */
    public Contender contender() {
        return contender;
    }

    /** Distance of each output from its reference; empty where the golden set could not be run. */
    public List<GoldenError> golden() {
        return golden;
    }

    /** What the device computed for each golden inference, where it was to be kept; empty otherwise. */
    public List<List<Tensor>> outputs() {
        return outputs;
    }

    /** What was kept, turn by turn; empty where it was not timed, or is wrong or failed. */
    public List<Turn> turns() {
        return turns;
    }

    /** Why there are no figures; empty where all is well. */
    public Optional<EngineException> failure() {
        return failure;
    }

    /** The figures; empty where nothing was kept. */
    public Optional<LatencyStats> stats() {
        return turns.isEmpty() ? Optional.empty() : Optional.of(Statistics.latency(turns));
    }
}
