package org.sscdeploy.core.bench;

import org.sscdeploy.core.Progress;

/** Hears how far a measurement is; a live plot listens. It is called between turns, so what it does is not timed. */
public interface BenchListener extends Progress {

    /** Hears nothing. */
    BenchListener NONE = (line, done, total) -> { };

    /**
     * A turn is done.
     *
     * @param contender place in the list that was given to {@link BenchRunner#run}
     */
    default void turn(int contender, Turn turn) { }
}
