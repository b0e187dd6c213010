package org.sscdeploy.demo.run;

/**
 * How far a run is; what a screen shows of it.
 *
 * @param <P> what a run says of its progress
 * @param <R> what it gives in the end
 * @param phase    where in its life it is
 * @param progress the last that it said; null where it said nothing
 * @param result   what it gave; null unless it is done
 * @param message  why it failed, a sentence; empty otherwise
 */
public record RunState<P, R>(Phase phase, P progress, R result, String message) {
    /** Where in its life a run is. */
    public enum Phase {
        /** Nothing was started yet. */
        IDLE,
        /** It goes on. */
        RUNNING,
        /** It was asked to end, and has not yet. */
        CANCELLING,
        /** Its result is there. */
        DONE,
        /** It ended without a result; the message says why. */
        FAILED,
        /** It was cancelled. */
        CANCELLED
    }

    static <P, R> RunState<P, R> begun(Phase phase) {
        return new RunState<>(phase, null, null, "");
    }

    RunState<P, R> at(P newProgress) {
        return new RunState<>(phase, newProgress, null, "");
    }

    RunState<P, R> with(Phase next) {
        return new RunState<>(next, progress, null, "");
    }

    RunState<P, R> done(R newResult) {
        return new RunState<>(Phase.DONE, progress, newResult, "");
    }

    RunState<P, R> failed(String why) {
        return new RunState<>(Phase.FAILED, progress, null, why);
    }

    /** Whether it has not ended yet. */
    public boolean active() {
        return phase == Phase.RUNNING || phase == Phase.CANCELLING;
    }
}
