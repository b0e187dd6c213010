package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.content.res.AssetManager;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.sscdeploy.demo.store.BundleState;

/** An app whose own bundle is damaged, and the one that is built next, whose bundle has the same model.json. */
@RunWith(RobolectricTestRunner.class)
@Config(application = RefusedAssetsTest.WithOtherAssets.class)
public class RefusedAssetsTest {
    /** The app with the assets of another APK. */
    public static final class WithOtherAssets extends DemoApplication {
        private AssetManager assets;

        @Override
        public AssetManager getAssets() {
            return assets == null ? super.getAssets() : assets;
        }

        void carry(Path bundle) throws Exception {
            Path apk = Phone.temporary().resolve("other.apk");
            BundleFiles.zip(bundle, "assets/bundle/", apk);
            assets = AssetManager.class.getDeclaredConstructor().newInstance();
            Object found = AssetManager.class.getMethod("addAssetPath", String.class).invoke(assets, apk.toString());
            assertTrue("its assets can be read", (Integer) found > 0);
        }
    }

    private WithOtherAssets application;

    @Before
    public void damagedAssets() throws Exception {
        application = (WithOtherAssets) Phone.context();
        application.carry(BundleFiles.withWrongHash("model.onnx"));
    }

    private static BundleState restarted() {
        AppState next = new AppState(Phone.context(), Phone.app().engines.all());
        next.openOnce();
        Phone.await("it is opened", () -> next.bundles.state().event() != BundleState.Event.LOADING);
        return next.bundles.state();
    }

    @Test
    public void eachStartSaysThatTheBundleOfTheAppIsRefused() {
        for (int start = 0; start < 2; start++) {
            BundleState state = restarted();
            assertEquals(BundleState.Event.REFUSED, state.event());
            assertTrue(state.message(), state.message().contains("model.onnx"));
            assertFalse(state.bundle().isPresent());
        }
    }

    @Test
    public void aRepairedAppBringsTheSameBundle() throws Exception {
        restarted();
        application.carry(BundleFiles.whole()); // of the same model.json as the damaged one
        BundleState state = restarted();
        assertEquals(BundleState.Event.READY, state.event());
        Path there = Phone.context().getFilesDir().toPath().resolve("bundle/model.onnx");
        assertEquals(Files.size(BundleFiles.whole().resolve("model.onnx")), Files.size(there));
    }

    @Test
    public void whatTheUserInstalledSinceStaysWhenTheAppIsRepaired() throws Exception {
        restarted();
        Path kept = Phone.temporary().resolve("kept.bundle");
        BundleFiles.copy(BundleFiles.whole(), kept);
        BundleFiles.edit(kept, card -> card.addProperty("name", "Kept-Net"));
        Phone.push(BundleFiles.zip(kept));
        Phone.start();
        assertEquals("Kept-Net", Phone.app().bundles.state().bundle().get().manifest().name());
        assertEquals("nothing is refused any more", BundleState.Event.READY, restarted().event());
        application.carry(BundleFiles.whole());
        assertEquals("Kept-Net", restarted().bundle().get().manifest().name());
    }
}
