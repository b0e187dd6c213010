package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.content.Intent;
import android.net.Uri;
import android.os.PowerManager;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowManager;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.android.controller.ActivityController;
import org.sscdeploy.core.job.Result;
import org.sscdeploy.core.job.Results;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.demo.profile.ProfileReport;
import org.sscdeploy.demo.run.RunState;

/** The Profile screen with real inference. */
@RunWith(RobolectricTestRunner.class)
public class ProfileTest {
    private ActivityController<MainActivity> controller;
    private MainActivity activity;

    @Before
    public void start() {
        controller = Phone.start();
        activity = controller.get();
        Phone.go(activity, Destination.PROFILE);
    }

    private void choose(int group, String value) {
        activity.findViewById(group).findViewWithTag(value).performClick();
    }

    private ProfileReport measure() {
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        return Phone.app().profile.state().result();
    }

    @Test
    public void bothRuntimesAreMeasuredAtEachNumberOfThreads() {
        choose(R.id.threads, "2");
        List<BenchResult> entries = measure().entries();
        assertEquals(4, entries.size());
        for (BenchResult entry : entries) {
            assertTrue(entry.contender().name(), entry.stats().isPresent());
            assertTrue(entry.stats().get().p50() > 0);
        }
        assertEquals("ONNX Runtime, 1 thread", entries.get(0).contender().name());
        assertEquals("TensorFlow Lite, 2 threads", entries.get(3).contender().name());
        assertEquals(4, ((ViewGroup) activity.findViewById(R.id.rows)).getChildCount());
    }

    @Test
    public void figuresSayThatNoPhoneTookThem() {
        measure();
        String device = Phone.text(activity, R.id.device);
        assertTrue(device, device.startsWith("Measured on host JVM") && device.endsWith("no phone"));
        assertTrue(Phone.app().profile.state().result().result().environment().device().startsWith("host JVM"));
    }

    @Test
    public void thePlotShowsEveryTurnAndTalkBackReadsTheLatest() {
        choose(R.id.engines, "tflite"); // off: both are chosen at first
        measure();
        assertEquals(1, Phone.app().profile.state().progress().series().size());
        assertEquals(5, Phone.app().profile.state().progress().series().get(0).points().size());
        String plot = activity.findViewById(R.id.plot).getContentDescription().toString();
        assertTrue(plot, plot.startsWith("Latest turns: ONNX Runtime, 1 thread ") && plot.endsWith(" ms"));
    }

    @Test
    public void theLastRuntimeCannotBeUnchosen() {
        choose(R.id.engines, "tflite");
        choose(R.id.engines, "onnxruntime");
        assertEquals(1, measure().entries().size());
    }

    @Test
    public void heatBetweenTurnsIsShownAsThrottling() {
        shadowOf(activity.getSystemService(PowerManager.class))
            .setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE);
        measure();
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("The device slowed down It became too warm (severe throttling)"));
        assertTrue(Phone.app().profile.state().result().result().notes().stream()
            .anyMatch(note -> note.contains("severe throttling at worst")));
        Screenshot.take(activity, "trouble-throttled");
    }

    @Test
    public void aCancelledMeasurementKeepsNoFigures() {
        choose(R.id.protocols, "full");
        Phone.click(activity, R.id.run);
        assertTrue("the screen stays on", keepsScreenOn());
        Phone.await("the first turn is there", () -> Phone.app().profile.state().progress() != null
            && !Phone.app().profile.state().progress().series().get(0).points().isEmpty());
        Screenshot.take(activity, "running-profile");
        Phone.click(activity, R.id.cancel);
        Phone.awaitRun();
        assertEquals(RunState.Phase.CANCELLED, Phone.app().profile.state().phase());
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("Cancelled "));
        assertFalse(activity.findViewById(R.id.share).isShown());
        assertFalse(keepsScreenOn());
    }

    private boolean keepsScreenOn() {
        int flags = activity.getWindow().getAttributes().flags;
        return (flags & WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON) != 0;
    }

    @Test
    public void theSharedFileIsAResultThatTheCommandLineReads() throws Exception {
        measure();
        Phone.click(activity, R.id.share);
        Phone.awaitRun();
        Intent chooser = shadowOf(activity).getNextStartedActivity();
        Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT, Intent.class);
        assertEquals("application/json", send.getType());
        assertTrue((send.getFlags() & Intent.FLAG_GRANT_READ_URI_PERMISSION) != 0);
        Result result = Results.parse(read(send.getParcelableExtra(Intent.EXTRA_STREAM, Uri.class)));
        assertEquals(2, result.measurements().size());
        assertTrue(result.notes().toString(), result.notes().toString().contains("no peak memory"));
        assertTrue(result.notes().get(0), result.notes().stream().anyMatch(
            note -> note.startsWith("model 0 is model.onnx of ") && note.contains("ONNX Runtime 1.")));
    }

    @Test
    public void theFileToShareIsNotWrittenOnTheMainThread() {
        measure();
        activity.findViewById(R.id.share).performClick();
        assertTrue("it is written by the thread for work", Phone.app().runs.busy());
        assertNull("nobody is asked before it is there", shadowOf(activity).getNextStartedActivity());
        Phone.awaitRun();
        assertNotNull(shadowOf(activity).getNextStartedActivity());
        Phone.go(activity, Destination.PARITY);
        Phone.go(activity, Destination.PROFILE);
        assertNull("it is offered once", shadowOf(activity).getNextStartedActivity());
    }

    @Test
    public void whoeverLeavesWhileTheFileIsWrittenIsNotAskedOnReturn() {
        measure();
        activity.findViewById(R.id.share).performClick();
        Phone.go(activity, Destination.PARITY);
        Phone.awaitRun();
        Phone.go(activity, Destination.PROFILE);
        assertNull(shadowOf(activity).getNextStartedActivity());
        Phone.click(activity, R.id.share);
        Phone.awaitRun();
        assertNotNull("it can be shared again", shadowOf(activity).getNextStartedActivity());
    }

    @Test
    public void turningTheDeviceWhileTheFileIsWrittenAsksOnce() {
        measure();
        activity.findViewById(R.id.share).performClick();
        controller.recreate();
        Phone.awaitRun();
        assertNotNull(shadowOf(controller.get()).getNextStartedActivity());
        assertNull(shadowOf(controller.get()).getNextStartedActivity());
    }

    @Test
    public void theFileOfAnotherBundleIsNotOffered() throws Exception {
        measure();
        Phone.go(activity, Destination.PARITY);
        Phone.app().runs.start(Phone.app().share, control -> new Intent("of the bundle before"));
        Phone.awaitRun();
        Path copy = Phone.temporary().resolve("other.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.addProperty("name", "Other-Net"));
        Phone.push(BundleFiles.zip(copy));
        Phone.app().bundles.checkInbox();
        Phone.awaitRun();
        assertEquals("Other-Net", Phone.app().bundles.state().bundle().get().manifest().name());
        assertEquals(RunState.Phase.IDLE, Phone.app().share.state().phase());
    }

    @Test
    public void aFileThatCannotBeWrittenIsSaid() throws Exception {
        measure();
        Files.createFile(Phone.context().getCacheDir().toPath().resolve("shared")); // where its folder would be
        Phone.click(activity, R.id.share);
        Phone.awaitRun();
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("The result could not be shared. "));
    }

    private String read(Uri uri) throws Exception {
        // Not closed: Robolectric does that by looking into java.io, which the JVM would have to allow.
        InputStream in = activity.getContentResolver().openInputStream(uri);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        in.transferTo(out);
        return out.toString("UTF-8");
    }

    @Test
    public void nnapiIsNotOfferedWhereAndroidDeprecatesIt() {
        assertEquals(View.GONE, activity.findViewById(R.id.nnapi).getVisibility());
    }

    @Test
    public void whileItRunsNothingElseCanBeStarted() {
        choose(R.id.protocols, "full");
        Phone.click(activity, R.id.run);
        Phone.go(activity, Destination.PARITY);
        Phone.click(activity, R.id.run);
        assertEquals("Something else is running; wait for it or cancel it first.",
            Phone.notice(activity, R.id.notice));
        Phone.go(activity, Destination.PROFILE);
        Phone.click(activity, R.id.cancel);
        Phone.awaitRun();
    }
}
