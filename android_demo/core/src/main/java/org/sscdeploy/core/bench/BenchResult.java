package org.sscdeploy.core.bench;

import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.parity.Distance;

/**
 * What was measured of one contender.
 *
 * @param contender what it is about
 * @param golden    distance of each output from its reference; empty where the golden set could not be run
 * @param outputs   what the device computed for each golden inference, where it was to be kept; empty otherwise
 * @param turns     what was kept, turn by turn; empty where it was not timed, or is wrong or failed
 * @param stats     the figures; empty where nothing was kept
 * @param failure   why there are no figures; empty where all is well
 */
public record BenchResult(Contender contender, List<Distance> golden, List<List<Tensor>> outputs, List<Turn> turns,
        Optional<LatencyStats> stats, Optional<EngineException> failure) { }
