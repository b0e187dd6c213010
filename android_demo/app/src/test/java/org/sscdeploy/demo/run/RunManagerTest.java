package org.sscdeploy.demo.run;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.os.Looper;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.sscdeploy.core.CancelledException;

/** Runs from their start to each of their ends. */
@RunWith(RobolectricTestRunner.class)
public class RunManagerTest {
    private final RunManager runs = new RunManager(new FailureText(RuntimeEnvironment.getApplication().getResources()));
    private final RunSlot<Step, String> slot = new RunSlot<>();

    private void awaitEnd() throws InterruptedException {
        for (int i = 0; i < 3000 && runs.busy(); i++) {
            shadowOf(Looper.getMainLooper()).idle();
            Thread.sleep(5);
        }
        assertFalse("it ends", runs.busy());
    }

    private RunState<Step, String> ended(Work<Step, String> work) throws InterruptedException {
        assertTrue(runs.start(slot, work));
        awaitEnd();
        return slot.state();
    }

    @Test
    public void aResultArrivesAfterTheLastProgress() throws Exception {
        List<RunState.Phase> heard = new ArrayList<>();
        slot.watch(state -> heard.add(state.phase()));
        RunState<Step, String> state = ended(control -> {
            control.publish(new Step("half", 1, 2));
            return "all";
        });
        assertEquals("all", state.result());
        assertEquals("half", state.progress().line());
        assertEquals(List.of(RunState.Phase.IDLE, RunState.Phase.RUNNING, RunState.Phase.RUNNING, RunState.Phase.DONE),
            heard);
    }

    @Test
    public void workThatAsksIsCancelled() throws Exception {
        assertTrue(runs.start(slot, control -> {
            while (true) {
                control.check();
            }
        }));
        runs.cancel(slot);
        assertEquals(RunState.Phase.CANCELLING, slot.state().phase());
        awaitEnd();
        assertEquals(RunState.Phase.CANCELLED, slot.state().phase());
    }

    @Test
    public void workThatIsCancelledAfterItLastAskedGivesNoResult() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        assertTrue(runs.start(slot, control -> {
            over.countDown();
            return "late";
        }));
        over.await();
        runs.cancel(slot);
        awaitEnd();
        assertEquals(RunState.Phase.CANCELLED, slot.state().phase());
    }

    @Test
    public void cancellingAnotherPlaceCancelsNothing() throws Exception {
        assertTrue(runs.start(slot, control -> {
            Thread.sleep(50);
            control.check();
            return "done";
        }));
        runs.cancel(new RunSlot<Step, String>());
        awaitEnd();
        assertEquals("done", slot.state().result());
    }

    @Test
    public void secondWorkIsRefusedWhileTheFirstGoesOn() throws Exception {
        assertTrue(runs.start(slot, control -> {
            while (true) {
                control.check();
            }
        }));
        assertFalse(runs.start(new RunSlot<Step, String>(), control -> "never"));
        runs.cancel(slot);
        awaitEnd();
    }

    @Test
    public void queuedWorkFollowsTheFirst() throws Exception {
        RunSlot<Step, String> second = new RunSlot<>();
        runs.enqueue(slot, control -> "one");
        runs.enqueue(second, control -> "two");
        assertEquals(RunState.Phase.IDLE, second.state().phase());
        assertTrue(runs.awaits(second));
        assertFalse("it goes on", runs.awaits(slot));
        awaitEnd();
        assertFalse(runs.awaits(second));
        assertEquals("two", second.state().result());
    }

    @Test
    public void whateverIsThrownBecomesASentenceAndTheNextRunWorks() throws Exception {
        assertTrue(ended(control -> {
            throw new IllegalStateException("odd");
        }).message().contains("IllegalStateException: odd"));
        assertTrue(ended(control -> {
            throw new UnsatisfiedLinkError("no library");
        }).message().contains("no library"));
        assertTrue(ended(control -> Integer.toString(new long[Integer.MAX_VALUE].length))
            .message().startsWith("There is not enough memory"));
        assertEquals(RunState.Phase.CANCELLED, ended(control -> {
            throw new CancelledException();
        }).phase());
        assertEquals("fine", ended(control -> "fine").result());
    }
}
