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

    static <P, R> RunState<P, R> idle() {
        return new RunState<>(Phase.IDLE, null, null, "");
    }

    static <P, R> RunState<P, R> running() {
        return new RunState<>(Phase.RUNNING, null, null, "");
    }

    RunState<P, R> at(P newProgress) {
        return new RunState<>(phase, newProgress, null, "");
    }

    RunState<P, R> cancelling() {
        return new RunState<>(Phase.CANCELLING, progress, null, "");
    }

    RunState<P, R> done(R newResult) {
        return new RunState<>(Phase.DONE, progress, newResult, "");
    }

    RunState<P, R> failed(String why) {
        return new RunState<>(Phase.FAILED, progress, null, why);
    }

    RunState<P, R> cancelled() {
        return new RunState<>(Phase.CANCELLED, progress, null, "");
    }

    /** Whether it has not ended yet. */
    public boolean active() {
        return phase == Phase.RUNNING || phase == Phase.CANCELLING;
    }
}
