package org.sscdeploy.demo.run;

/**
 * How far a run is; what a screen shows of it. Immutable.
 *
 * @param <P> what a run says of its progress
 * @param <R> what it gives in the end
 */
public final class RunState<P, R> {
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

    private final Phase phase;
    private final P progress;
    private final R result;
    private final String message;

    private RunState(Phase phase, P progress, R result, String message) {
        this.phase = phase;
        this.progress = progress;
        this.result = result;
        this.message = message;
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

    /** Where in its life it is. */
    public Phase phase() {
        return phase;
    }

    /** Whether it has not ended yet. */
    public boolean active() {
        return phase == Phase.RUNNING || phase == Phase.CANCELLING;
    }

    /** The last that it said; null where it said nothing. */
    public P progress() {
        return progress;
    }

    /** What it gave; null unless it is done. */
    public R result() {
        return result;
    }

    /** Why it failed, a sentence; empty otherwise. */
    public String message() {
        return message;
    }
}
