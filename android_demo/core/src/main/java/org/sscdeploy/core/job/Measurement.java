package org.sscdeploy.core.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.bench.GoldenError;
import org.sscdeploy.core.bench.Turn;

/** One model at one number of threads. Immutable. */
public final class Measurement {
    private final int model;
    private final int threads;
    private final List<GoldenError> golden;
    private final List<Turn> turns;
    private final Optional<Fresh> fresh;
    private final List<OperatorTime> operators;
    private final String operatorsNote;
    private final Optional<Failure> failure;

    /**
     * All of it.
     *
     * @param model         its place in the job
     * @param threads       that it was given
     * @param golden        distance of each output from the reference; empty where it could not be run
     * @param turns         what was kept, turn by turn; empty where it was not timed
     * @param fresh         of a fresh process; empty where it was not timed
     * @param operators     in the order of execution; empty where the runtime does not tell
     * @param operatorsNote why the operators are empty, or how they were taken
     * @param failure       why there are no figures; empty where all is well
     */
    public Measurement(int model, int threads, List<GoldenError> golden, List<Turn> turns, Optional<Fresh> fresh,
            List<OperatorTime> operators, String operatorsNote, Optional<Failure> failure) {
        this.model = model;
        this.threads = threads;
        this.golden = Collections.unmodifiableList(new ArrayList<>(golden));
        this.turns = Collections.unmodifiableList(new ArrayList<>(turns));
        this.fresh = fresh;
        this.operators = Collections.unmodifiableList(new ArrayList<>(operators));
        this.operatorsNote = operatorsNote;
        this.failure = failure;
    }

    /** Its place in the job. */
    public int model() {
        return model;
    }

    /** That it was given. */
    public int threads() {
        return threads;
    }

    /** Distance of each output from the reference; empty where it could not be run. */
    public List<GoldenError> golden() {
        return golden;
    }

    /** What was kept, turn by turn; empty where it was not timed. */
    public List<Turn> turns() {
        return turns;
    }

    /** Of a fresh process; empty where it was not timed. */
    public Optional<Fresh> fresh() {
        return fresh;
    }

    /** In the order of execution; empty where the runtime does not tell. */
    public List<OperatorTime> operators() {
        return operators;
    }

    /** Why the operators are empty, or how they were taken. */
    public String operatorsNote() {
        return operatorsNote;
    }

    /** Why there are no figures; empty where all is well. */
    public Optional<Failure> failure() {
        return failure;
    }
}
