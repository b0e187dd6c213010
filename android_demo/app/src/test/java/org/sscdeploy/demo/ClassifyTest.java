package org.sscdeploy.demo;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;
import android.provider.MediaStore;
import android.view.ViewGroup;
import android.widget.ImageView;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.classify.Candidate;
import org.sscdeploy.core.picture.Pixels;
import org.sscdeploy.demo.classify.PictureReader;

/** The Classify screen with real inference. */
@RunWith(RobolectricTestRunner.class)
public class ClassifyTest {
    private MainActivity activity;
    private Bundle bundle;

    @Before
    public void start() {
        activity = Phone.start().get();
        bundle = Phone.app().bundles.state().bundle().get();
    }

    private List<Candidate> candidates() {
        return Phone.app().classification.state().result().candidates();
    }

    private void tap(int picture) {
        ((ViewGroup) activity.findViewById(R.id.strip)).getChildAt(picture).performClick();
        Phone.awaitRun();
    }

    @Test
    public void everyGoldenPictureGetsTheClassOfTheReference() throws Exception {
        for (int i = 0; i < bundle.manifest().golden().pictures().size(); i++) {
            tap(i);
            assertEquals("picture " + i, expected(i), candidates().get(0).index());
        }
    }

    /** The class that the network in float64 gives a golden picture. */
    private int expected(int picture) throws Exception {
        double[] reference = bundle.golden().output(picture);
        int best = 0;
        for (int c = 1; c < reference.length; c++) {
            best = reference[c] > reference[best] ? c : best;
        }
        return best;
    }

    @Test
    public void fiveCandidatesAreShownTheBestFirst() {
        tap(0);
        ViewGroup rows = activity.findViewById(R.id.candidates);
        assertEquals(5, rows.getChildCount());
        for (int i = 0; i + 1 < 5; i++) {
            assertTrue(candidates().get(i).probability().getAsDouble()
                >= candidates().get(i + 1).probability().getAsDouble());
        }
        assertTrue(rows.getChildAt(0).getContentDescription().toString().startsWith(candidates().get(0).label()));
    }

    @Test
    public void theLatencySaysRuntimeVersionAndThatNoPhoneTookIt() {
        tap(0);
        assertTrue(Phone.text(activity, R.id.latency).endsWith(" ms"));
        String note = Phone.text(activity, R.id.latency_note);
        assertTrue(note, note.contains("ONNX Runtime 1.") && note.contains("1 thread"));
        assertTrue(note, note.contains("host JVM") && note.contains("no phone"));
    }

    @Test
    public void anotherRuntimeClassifiesTheSamePictureAgain() {
        tap(0);
        String label = candidates().get(0).label();
        activity.findViewById(R.id.engines).findViewWithTag("tflite").performClick();
        Phone.awaitRun();
        assertEquals(label, candidates().get(0).label());
        assertTrue(Phone.text(activity, R.id.latency_note).contains("TensorFlow Lite"));
    }

    @Test
    public void aPictureOfTheSystemPickerIsClassified() throws Exception {
        Phone.click(activity, R.id.choose_picture);
        Intent asked = shadowOf(activity).getNextStartedActivityForResult().intent;
        assertEquals(MediaStore.ACTION_PICK_IMAGES, asked.getAction());
        byte[] png = Files.readAllBytes(bundle.manifest().golden().pictures().get(4).path());
        answer(asked, png);
        assertEquals(expected(4), candidates().get(0).index());
        assertNotNull(((ImageView) activity.findViewById(R.id.picture)).getDrawable());
    }

    @Test
    public void aFileThatIsNoPictureIsRefusedInASentence() {
        Phone.click(activity, R.id.choose_picture);
        answer(shadowOf(activity).getNextStartedActivityForResult().intent, new byte[] {1, 2, 3});
        assertEquals("Not classified The file is no picture that this device can read.",
            Phone.notice(activity, R.id.notice));
    }

    @Test
    public void probabilitiesAreShownAsTheNetworkGivesThem() throws Exception {
        useOutputsAs("independent-probabilities");
        tap(0);
        assertEquals(candidates().get(0).value(), candidates().get(0).probability().getAsDouble(), 0);
    }

    @Test
    public void outputsThatAreNoListOfClassesSaySo() throws Exception {
        useOutputsAs("values");
        tap(0);
        assertFalse(candidates().get(0).probability().isPresent());
        assertEquals("in their order", 0, candidates().get(0).index());
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.contains("no list of classes"));
        ViewGroup rows = activity.findViewById(R.id.candidates);
        assertFalse(rows.getChildAt(0).getContentDescription().toString().contains("%"));
    }

    /** The carried bundle again, whose outputs are said to be of another kind. */
    private void useOutputsAs(String kind) throws Exception {
        Path copy = Phone.temporary().resolve(kind + ".bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.addProperty("output_kind", kind));
        Phone.push(BundleFiles.zip(copy));
        activity = Phone.start().get();
        bundle = Phone.app().bundles.state().bundle().get();
    }

    @Test
    public void aBrokenExifBlockBesideWholePixelsTurnsNothing() throws Exception {
        byte[] png = Files.readAllBytes(bundle.manifest().golden().pictures().get(4).path());
        Pixels whole = PictureReader.read(png);
        for (String block : new String[] {"no tiff here", "MM", "", "MM\0*\0\0\0\u0008", "MM\0*\u00ff\u00ff\u00ff\u00ff"}) {
            Pixels read = PictureReader.read(withExif(png, block.getBytes(StandardCharsets.ISO_8859_1)));
            assertArrayEquals(block, whole.rgb(), read.rgb());
        }
    }

    /** The PNG with an EXIF block before its pixels. */
    private static byte[] withExif(byte[] png, byte[] block) throws Exception {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        chunk.write("eXIf".getBytes(StandardCharsets.US_ASCII));
        chunk.write(block);
        CRC32 sum = new CRC32();
        sum.update(chunk.toByteArray());
        int header = 8 + 25; // the signature and IHDR
        return ByteBuffer.allocate(png.length + block.length + 12).put(png, 0, header).putInt(block.length)
            .put(chunk.toByteArray()).putInt((int) sum.getValue()).put(png, header, png.length - header).array();
    }

    @Test
    public void aPickerThatIsLeftWithoutAPictureChangesNothing() throws Exception {
        tap(0);
        Phone.click(activity, R.id.choose_picture);
        Intent asked = shadowOf(activity).getNextStartedActivityForResult().intent;
        shadowOf(activity).receiveResult(asked, Activity.RESULT_CANCELED, null);
        Phone.awaitRun();
        assertEquals(expected(0), candidates().get(0).index());
    }

    private void answer(Intent asked, byte[] file) {
        Uri uri = Uri.parse("content://pictures/1");
        shadowOf(activity.getContentResolver()).registerInputStream(uri, new ByteArrayInputStream(file));
        shadowOf(activity).receiveResult(asked, Activity.RESULT_OK, new Intent().setData(uri));
        Phone.awaitRun();
    }
}
