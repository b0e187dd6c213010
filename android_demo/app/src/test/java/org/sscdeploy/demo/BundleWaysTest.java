package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.drawable.BitmapDrawable;
import android.net.Uri;
import android.view.ViewGroup;
import android.widget.ImageView;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.robolectric.android.controller.ActivityController;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.demo.store.BundleState;

/** How bundles reach the app, and what becomes of bad ones: a sentence on the screen, and the old one stays. */
@RunWith(RobolectricTestRunner.class)
public class BundleWaysTest {
    private static BundleState state() {
        return Phone.app().bundles.state();
    }

    private static Path renamed(String name) throws IOException {
        Path copy = Phone.temporary().resolve("other.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.addProperty("name", name));
        return BundleFiles.zip(copy);
    }

    @Test
    public void theBundleOfTheAssetsIsInstalledAtTheFirstStart() throws Exception {
        MainActivity activity = Phone.start().get();
        assertEquals(BundleState.Event.READY, state().event());
        assertEquals(state().bundle().get().manifest().name(), Phone.text(activity, R.id.subtitle));
        Path there = Phone.context().getFilesDir().toPath().resolve("bundle/model.json");
        assertTrue(Arrays.equals(Files.readAllBytes(BundleFiles.whole().resolve("model.json")),
            Files.readAllBytes(there)));
    }

    @Test
    public void aPushedBundleIsFoundAtTheStartAndReplacesTheOld() throws Exception {
        Phone.push(renamed("Pushed-Net"));
        MainActivity activity = Phone.start().get();
        assertEquals("Pushed-Net", Phone.text(activity, R.id.subtitle));
        assertEquals("Now in use: the bundle that came by adb push.", Phone.notice(activity, R.id.bundle_notice));
        assertFalse("it is taken out of the inbox", Files.exists(Paths.get(Phone.app().bundles.inboxPath())));
    }

    @Test
    public void aPushedBundleIsFoundOnReturnToTheApp() throws Exception {
        ActivityController<MainActivity> controller = Phone.start();
        controller.pause();
        Phone.push(renamed("Later-Net"));
        controller.resume();
        Phone.awaitRun();
        assertEquals("Later-Net", Phone.text(controller.get(), R.id.subtitle));
    }

    @Test
    public void aBundleThatTheUserInstalledOutlivesTheProcess() throws Exception {
        Phone.push(renamed("Kept-Net"));
        Phone.start();
        AppState next = new AppState(Phone.context(), Phone.app().engines.all());
        next.openOnce();
        Phone.await("it is opened", () -> next.bundles.state().bundle().isPresent());
        assertEquals("Kept-Net", next.bundles.state().bundle().get().manifest().name());
    }

    @Test
    public void aZipOfTheSystemPickerIsInstalled() throws Exception {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.ABOUT);
        Phone.click(activity, R.id.open_bundle);
        Intent asked = shadowOf(activity).getNextStartedActivityForResult().intent;
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.getAction());
        shadowOf(activity).receiveResult(asked, Activity.RESULT_OK,
            new Intent().setData(provided(activity, renamed("Chosen-Net"))));
        Phone.awaitRun();
        assertEquals("Chosen-Net", Phone.text(activity, R.id.subtitle));
    }

    @Test
    public void aPushedBundleIsInstalledOnceWhereTheDeviceIsTurnedBeforeItWasOpened() throws Exception {
        Phone.push(renamed("Turned-Net"));
        Robolectric.buildActivity(MainActivity.class).setup().recreate();
        Phone.awaitRun();
        assertEquals(BundleState.Event.INSTALLED, state().event());
        assertEquals("Turned-Net", state().bundle().get().manifest().name());
    }

    @Test
    public void whereThereIsNoRoomForTheBundleOfTheAssetsTheOldOneStaysInUse() throws Exception {
        Phone.start();
        Path marker = Phone.context().getFilesDir().toPath().resolve("bundle.asset");
        Files.write(marker, "another".getBytes(StandardCharsets.UTF_8)); // as an update of the app finds it
        Path cache = Phone.context().getCacheDir().toPath();
        Files.delete(cache); // nothing can be written there
        Files.createFile(cache);
        AppState next = new AppState(Phone.context(), Phone.app().engines.all());
        next.openOnce();
        Phone.await("it is opened", () -> next.bundles.state().event() != BundleState.Event.LOADING);
        assertEquals(BundleState.Event.REFUSED, next.bundles.state().event());
        assertTrue("the old one works", next.bundles.state().bundle().isPresent());
        assertEquals("the next start tries again", "another", new String(Files.readAllBytes(marker),
            StandardCharsets.UTF_8));
    }

    @Test
    public void aHugePictureOfABundleTakesNoMoreMemoryInTheStripThanAnOrdinaryOne() throws Exception {
        String file = Bundle.open(BundleFiles.whole()).manifest().golden().pictures().get(0).file();
        ByteArrayOutputStream huge = new ByteArrayOutputStream();
        Bitmap.createBitmap(4000, 1000, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.PNG, 100, huge);
        Phone.push(BundleFiles.zip(BundleFiles.with(file, huge.toByteArray())));
        MainActivity activity = Phone.start().get();
        assertEquals(BundleState.Event.INSTALLED, state().event());
        Phone.awaitThumbnails(activity);
        ImageView shown = (ImageView) ((ViewGroup) activity.findViewById(R.id.strip)).getChildAt(0);
        Bitmap bitmap = ((BitmapDrawable) shown.getDrawable()).getBitmap();
        assertEquals("500 x 125", bitmap.getWidth() + " x " + bitmap.getHeight());
    }

    private static Uri provided(Activity activity, Path zip) {
        Uri uri = Uri.parse("content://files/bundle");
        shadowOf(activity.getContentResolver()).registerInputStreamSupplier(uri, () -> {
            try {
                return Files.newInputStream(zip);
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        });
        return uri;
    }

    @Test
    public void aWrongHashNamesTheFile() throws Exception {
        String notice = refused(BundleFiles.zip(BundleFiles.withWrongHash("model.onnx")), "trouble-wrong-hash");
        assertTrue(notice, notice.contains("model.onnx"));
    }

    @Test
    public void aTruncatedZipIsRefused() throws Exception {
        Path zip = BundleFiles.zip(BundleFiles.whole());
        byte[] bytes = Files.readAllBytes(zip);
        Files.write(zip, Arrays.copyOf(bytes, bytes.length / 2));
        refused(zip, "trouble-broken-bundle");
    }

    @Test
    public void namesThatLeadOutOfTheFolderAreRefused() throws Exception {
        Path zip = Phone.temporary().resolve("evil.zip");
        try (OutputStream file = Files.newOutputStream(zip); ZipOutputStream out = new ZipOutputStream(file)) {
            out.putNextEntry(new ZipEntry("../../evil"));
            out.write("evil".getBytes(StandardCharsets.UTF_8));
            out.closeEntry();
        }
        refused(zip, "trouble-path-traversal");
        assertFalse(Files.exists(Phone.context().getFilesDir().toPath().resolve("../../evil")));
    }

    @Test
    public void anUnknownSchemaVersionIsRefused() throws Exception {
        Path copy = Phone.temporary().resolve("new.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.addProperty("schema_version", 99));
        String notice = refused(BundleFiles.zip(copy), "trouble-schema-version");
        assertTrue(notice, notice.contains("99"));
    }

    @Test
    public void aGoldenSetThatHoldsNanIsRefused() throws Exception {
        byte[] outputs = Files.readAllBytes(BundleFiles.whole().resolve("golden/outputs.npy"));
        Arrays.fill(outputs, outputs.length - Double.BYTES, outputs.length, (byte) 0xff);
        refused(BundleFiles.zip(BundleFiles.with("golden/outputs.npy", outputs)), "trouble-nan");
    }

    @Test
    public void missingLabelsAreRefused() throws Exception {
        Path copy = Phone.temporary().resolve("unlabelled.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        BundleFiles.edit(copy, card -> card.remove("labels"));
        String notice = refused(BundleFiles.zip(copy), "trouble-no-labels");
        assertTrue(notice, notice.contains("labels"));
    }

    /** Pushes it; what the screen says, after the old bundle was found in use, whole and working. */
    private static String refused(Path zip, String picture) throws IOException {
        Phone.push(zip);
        MainActivity activity = Phone.start().get();
        Screenshot.take(activity, picture);
        assertEquals(BundleState.Event.REFUSED, state().event());
        String notice = Phone.notice(activity, R.id.bundle_notice);
        assertTrue(notice, notice.startsWith("Bundle refused (by adb push) "));
        assertTrue(notice, notice.endsWith("The bundle that was there stays in use."));
        Phone.go(activity, Destination.PARITY);
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("This device computes the same"));
        Path inbox = Paths.get(Phone.app().bundles.inboxPath());
        assertFalse(Files.exists(inbox));
        assertTrue("it is kept for whoever pushed it", Files.exists(inbox.resolveSibling("refused.zip")));
        return notice;
    }

    @Test
    public void aDamagedStoredBundleIsReplacedByTheAssets() throws Exception {
        Phone.start();
        Path model = Phone.context().getFilesDir().toPath().resolve("bundle/model.onnx");
        Files.write(model, new byte[] {1});
        AppState next = new AppState(Phone.context(), Phone.app().engines.all());
        next.openOnce();
        Phone.await("it is opened", () -> next.bundles.state().event() != BundleState.Event.LOADING);
        assertEquals(BundleState.Event.REFUSED, next.bundles.state().event());
        assertTrue(next.bundles.state().message().contains("model.onnx"));
        assertTrue("the one of the assets works", next.bundles.state().bundle().isPresent());
        assertTrue(Files.size(model) > 1);
    }

    @Test
    @Config(application = WithoutAssets.class)
    public void withoutAnyBundleEachScreenSaysHowToGetOne() {
        MainActivity activity = Phone.start().get();
        for (Destination destination : Destination.values()) {
            Phone.go(activity, destination);
            String notice = Phone.notice(activity, R.id.bundle_notice);
            assertTrue(notice, notice.contains("adb push NAME.zip " + Phone.app().bundles.inboxPath()));
        }
        Phone.go(activity, Destination.PARITY);
        assertFalse(activity.findViewById(R.id.run).isEnabled());
        Screenshot.take(activity, "trouble-no-bundle");
    }
}
