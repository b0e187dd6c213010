package org.sscdeploy.demo.run;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The place of one kind of run, its latest state, and who watches it. It lives as long as the process, so that a run
 * outlives the Activity that started it; an Activity stops watching when it stops. Main thread only.
 *
 * @param <P> what a run says of its progress
 * @param <R> what it gives in the end
 */
public final class RunSlot<P, R> {
    private final List<Consumer<RunState<P, R>>> watchers = new ArrayList<>();
    private RunState<P, R> state = RunState.idle();

    /** The latest state. */
    public RunState<P, R> state() {
        return state;
    }

    /** Hears the present state at once, and each one from now on. */
    public void watch(Consumer<RunState<P, R>> watcher) {
        watchers.add(watcher);
        watcher.accept(state);
    }

    /** Hears no more. */
    public void forget(Consumer<RunState<P, R>> watcher) {
        watchers.remove(watcher);
    }

    /** Forgets a result that belongs to something which is no longer there. */
    public void clear() {
        if (!state.active()) {
            set(RunState.idle());
        }
    }

    /** How many watch: an Activity that is gone must not. */
    int watchers() {
        return watchers.size();
    }

    void set(RunState<P, R> next) {
        state = next;
        for (Consumer<RunState<P, R>> watcher : new ArrayList<>(watchers)) {
            watcher.accept(next);
        }
    }
}
