package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.view.View;
import android.view.ViewGroup;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.sscdeploy.core.parity.BlockResult;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.core.parity.Verdict;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.ui.Figures;

/** The Parity screen with real inference. */
@RunWith(RobolectricTestRunner.class)
public class ParityTest {
    private static MainActivity compare() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.PARITY);
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        return activity;
    }

    private static ParityReport report() {
        return Phone.app().parity.state().result().report();
    }

    @Test
    public void theBundleThatCameWithTheAppMatchesPyTorch() {
        MainActivity activity = compare();
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("This device computes the same All "));
        assertEquals(Verdict.PASSED, report().verdict());
        assertTrue(report().max() > 0 && report().max() <= report().tolerance().max());
        assertFalse("the pictures become the same bits", report().preprocessingDiffers().isPresent());
        String chart = activity.findViewById(R.id.chart).getContentDescription().toString();
        assertTrue(chart, chart.endsWith("0 are outside."));
        assertEquals(View.GONE, activity.findViewById(R.id.failing).getVisibility());
    }

    @Test
    public void tfliteMatchesPyTorchToo() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.PARITY);
        activity.findViewById(R.id.engines).findViewWithTag("tflite").performClick();
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        assertEquals(Verdict.PASSED, report().verdict());
        assertTrue(Phone.notice(activity, R.id.notice).contains("TensorFlow Lite"));
    }

    @Test
    public void aModelThatFailsNamesTheFirstPictureOutside() throws Exception {
        Path wrong = BundleFiles.zip(BundleFiles.withWrongOutput(5));
        Phone.push(wrong);
        MainActivity activity = compare();
        Screenshot.take(activity, "trouble-fails-parity");
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("This device computes something else 1 of "));
        assertEquals(5, report().firstFailing().getAsInt());
        String failing = Phone.text(activity, R.id.failing_text);
        assertTrue(failing, failing.startsWith("No. 6, ") && failing.endsWith("off by 1.0e-02"));
    }

    @Test
    public void errorsThatAreTooLargeTogetherAloneAreSaidToBeSo() throws Exception {
        Path copy = Phone.temporary().resolve("together.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.getAsJsonObject("golden").getAsJsonObject("tolerance")
            .addProperty("rms", 1e-12));
        Phone.push(BundleFiles.zip(copy));
        MainActivity activity = compare();
        assertEquals(Verdict.FAILED, report().verdict());
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("This device computes something else No single value is outside"));
    }

    @Test
    public void picturesThatArePreparedDifferentlyAreNotCalledTheSame() throws Exception {
        byte[] pixels = Files.readAllBytes(BundleFiles.whole().resolve("golden/pixels.npy"));
        pixels[pixels.length - 1] ^= 1;
        Phone.push(BundleFiles.zip(BundleFiles.with("golden/pixels.npy", pixels)));
        MainActivity activity = compare();
        assertEquals(Verdict.PASSED, report().verdict());
        assertTrue(report().preprocessingDiffers().isPresent());
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("Pictures are prepared differently here All outputs are within"));
    }

    @Test
    public void aDebugBundleSaysThatNoBlockDiverges() {
        MainActivity activity = compare();
        assertTrue(Phone.app().parity.state().result().blocksChecked());
        assertFalse(report().diverging().isPresent());
        assertTrue(described(activity), described(activity).contains("None: every block is within its tolerance"));
    }

    @Test
    public void aDebugBundleNamesTheFirstBlockThatDiverges() throws Exception {
        Phone.push(BundleFiles.zip(BundleFiles.withWrongBlock(3)));
        MainActivity activity = compare();
        Screenshot.take(activity, "trouble-diverging-block");
        String name = Phone.app().bundles.state().bundle().get().manifest().debug().get().blocks().get(3).name();
        assertEquals(name, report().diverging().get().name());
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("A block computes something else All outputs"));
        assertTrue(described(activity), described(activity).contains(name + ": off by"));
    }

    @Test
    public void aBlockWhoseRootMeanSquareAloneIsOutsideShowsThatFigure() throws Exception {
        Path copy = Phone.temporary().resolve("rms.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.getAsJsonObject("debug").getAsJsonArray("blocks").get(3)
            .getAsJsonObject().addProperty("rms", 1e-15));
        Phone.push(BundleFiles.zip(copy));
        MainActivity activity = compare();
        BlockResult block = report().diverging().get();
        assertEquals(3, block.index());
        assertTrue("the largest alone would pass", block.max() <= block.tolerance().max());
        assertTrue(described(activity), described(activity).contains(block.name() + ": root mean square error "
            + Figures.error(block.rms()) + " (allowed 1.0e-15)"));
    }

    @Test
    public void aCancelledComparisonSaysThatItSaysNothing() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.PARITY);
        activity.findViewById(R.id.run).performClick();
        assertEquals(RunState.Phase.RUNNING, Phone.app().parity.state().phase());
        activity.findViewById(R.id.cancel).performClick();
        Phone.awaitRun();
        assertEquals(RunState.Phase.CANCELLED, Phone.app().parity.state().phase());
        assertEquals("Cancelled The comparison was cancelled; it says nothing.",
            Phone.notice(activity, R.id.notice));
        assertTrue("it can be run again", activity.findViewById(R.id.run).isShown());
        Screenshot.take(activity, "trouble-cancelled");
    }

    /** What TalkBack reads of the rows below the chart. */
    private static String described(MainActivity activity) {
        ViewGroup facts = activity.findViewById(R.id.facts);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < facts.getChildCount(); i++) {
            text.append(facts.getChildAt(i).getContentDescription()).append('\n');
        }
        return text.toString();
    }
}
