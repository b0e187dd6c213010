package org.sscdeploy.demo.run;

/**
 * The place of one kind of run with its latest state, so that a run outlives the Activity that started it.
 *
 * @param <P> what a run says of its progress
 * @param <R> what it gives in the end
 */
public final class RunSlot<P, R> extends Watched<RunState<P, R>> {
    /** Nothing was started yet. */
    public RunSlot() {
        super(RunState.begun(RunState.Phase.IDLE));
    }

    /** Forgets a result that belongs to something which is no longer there. */
    public void clear() {
        if (!state().active()) {
            set(RunState.begun(RunState.Phase.IDLE));
        }
    }
}
