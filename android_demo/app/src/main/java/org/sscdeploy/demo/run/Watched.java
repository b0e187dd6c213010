package org.sscdeploy.demo.run;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A state that lives as long as the process, and who watches it; an Activity stops watching when it stops. Main thread
 * only, except for {@link #state}.
 *
 * @param <T> the state
 */
public class Watched<T> {
    private final List<Consumer<T>> watchers = new ArrayList<>();
    private volatile T state;

    /** Begins with a state. */
    protected Watched(T state) {
        this.state = state;
    }

    /** The latest state. */
    public final T state() {
        return state;
    }

    /** Hears the present state at once, and each one from now on. */
    public final void watch(Consumer<T> watcher) {
        watchers.add(watcher);
        watcher.accept(state);
    }

    /** Hears no more. */
    public final void forget(Consumer<T> watcher) {
        watchers.remove(watcher);
    }

    /** How many watch: an Activity that is gone must not. */
    final int watchers() {
        return watchers.size();
    }

    /** Tells all who watch. */
    protected final void set(T next) {
        state = next;
        new ArrayList<>(watchers).forEach(watcher -> watcher.accept(next));
    }
}
