package org.sscdeploy.demo.run;

import android.os.Handler;
import android.os.Looper;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.sscdeploy.core.CancelledException;

/**
 * Does work one piece after the other on one thread, so that nothing disturbs what is measured, and tells the main
 * thread. One for the process.
 */
public final class RunManager {
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ExecutorService worker = Executors.newSingleThreadExecutor(task -> new Thread(task, "ssc-run"));
    private final FailureText failures;
    private final Deque<Running<?, ?>> waiting = new ArrayDeque<>();
    private Running<?, ?> current;

    /** Says failures in these words. */
    public RunManager(FailureText failures) {
        this.failures = failures;
    }

    /**
     * Starts work, unless other work goes on. Main thread.
     *
     * @return whether it was started
     */
    public <P, R> boolean start(RunSlot<P, R> slot, Work<P, R> work) {
        if (busy()) {
            return false;
        }
        enqueue(slot, work);
        return true;
    }

    /** Starts work as soon as all that was asked for before has ended. Main thread. */
    public <P, R> void enqueue(RunSlot<P, R> slot, Work<P, R> work) {
        waiting.add(new Running<>(slot, work));
        next();
    }

    private void next() {
        if (current == null && !waiting.isEmpty()) {
            current = waiting.remove();
            current.begin();
        }
    }

    /** Whether work goes on. Main thread. */
    public boolean busy() {
        return current != null;
    }

    /** Whether work of this place has not begun yet, since other work goes on. Main thread. */
    public boolean awaits(RunSlot<?, ?> slot) {
        return waiting.stream().anyMatch(next -> next.slot == slot);
    }

    /** Asks the work of this place to end, if it goes on. Main thread. */
    public void cancel(RunSlot<?, ?> slot) {
        if (current != null && current.slot == slot) {
            current.cancel();
        }
    }

    private final class Running<P, R> implements Runnable, Control<P> {
        private final RunSlot<P, R> slot;
        private final Work<P, R> work;
        private final AtomicReference<P> unheard = new AtomicReference<>();
        private volatile boolean cancelled;

        Running(RunSlot<P, R> slot, Work<P, R> work) {
            this.slot = slot;
            this.work = work;
        }

        void begin() {
            slot.set(RunState.begun(RunState.Phase.RUNNING));
            worker.execute(this);
        }

        @Override
        public void run() {
            try {
                R result = work.run(this);
                // Who cancels after the last moment that the work looks hears of no result either.
                end(() -> slot.set(cancelled ? slot.state().with(RunState.Phase.CANCELLED) : slot.state().done(result)));
            } catch (CancelledException error) {
                end(() -> slot.set(slot.state().with(RunState.Phase.CANCELLED)));
            } catch (Exception | LinkageError | VirtualMachineError error) {
                // Memory that ran out is free again here: all that the work held is out of reach.
                String message = failures.of(error);
                end(() -> slot.set(slot.state().failed(message)));
            }
        }

        private void end(Runnable last) {
            main.post(() -> {
                current = null;
                last.run();
                next();
            });
        }

        void cancel() {
            cancelled = true;
            slot.set(slot.state().with(RunState.Phase.CANCELLING));
        }

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public void publish(P progress) {
            if (unheard.getAndSet(progress) == null) {
                main.post(() -> slot.set(slot.state().at(unheard.getAndSet(null))));
            }
        }
    }
}
