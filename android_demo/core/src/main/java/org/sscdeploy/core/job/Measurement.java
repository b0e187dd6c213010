package org.sscdeploy.core.job;

import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.core.bench.Turn;
import org.sscdeploy.core.parity.Distance;

/**
 * One model at one number of threads.
 *
 * @param model         its place in the job
 * @param threads       that it was given
 * @param golden        distance of each output from the reference; empty where it could not be run
 * @param turns         what was kept, turn by turn; empty where it was not timed
 * @param operatorsNote why no operators were timed, where the job asks for them
 * @param failure       why there are no figures; empty where all is well
 */
public record Measurement(int model, int threads, List<Distance> golden, List<Turn> turns, String operatorsNote,
        Optional<Failure> failure) {
    public Measurement {
        golden = List.copyOf(golden);
        turns = List.copyOf(turns);
    }

    /** What was measured of a model, by its place in the job. */
    public static Measurement of(int model, int threads, BenchResult result, String operatorsNote) {
        return new Measurement(model, threads, result.golden(), result.turns(), operatorsNote,
            result.failure().map(error -> new Failure(error.kind(), error.getMessage())));
    }
}
