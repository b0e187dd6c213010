package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;
import android.view.ViewGroup;
import java.io.ByteArrayInputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.sscdeploy.core.bundle.GoldenPicture;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.demo.run.RunSlot;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Watchers;
import org.sscdeploy.demo.ui.DestinationBar;

/** What lasts while Activities come and go. */
@RunWith(RobolectricTestRunner.class)
public class RotationTest {
    private static final Semaphore HELD = new Semaphore(0);

    /** Its models wait with their first run until they may go on, however fast they are. */
    public static final class Held extends DemoApplication {
        @Override
        protected List<Engine> engines() {
            return super.engines().stream().map(engine -> wrapped(Engine.class, engine)).collect(Collectors.toList());
        }

        private static <T> T wrapped(Class<T> kind, T real) {
            Class<?>[] kinds = {kind};
            return kind.cast(Proxy.newProxyInstance(kind.getClassLoader(), kinds, (proxy, method, given) -> {
                if (method.getName().equals("run")) {
                    HELD.acquire();
                    HELD.release();
                }
                try {
                    Object result = method.invoke(real, given);
                    return result instanceof LoadedModel ? wrapped(LoadedModel.class, (LoadedModel) result) : result;
                } catch (InvocationTargetException error) {
                    throw error.getCause();
                }
            }));
        }
    }

    @Test
    @Config(application = Held.class)
    public void aMeasurementGoesOnWhileTheDeviceIsTurned() {
        ActivityController<MainActivity> controller = Phone.start();
        MainActivity upright = controller.get();
        Phone.go(upright, Destination.PROFILE);
        Phone.click(upright, R.id.run);
        turn(controller, "w891dp-h411dp-land");
        MainActivity turned = controller.get();
        assertNotSame(upright, turned);
        assertTrue("the rail stands beside", turned.<DestinationBar>findViewById(R.id.destinations).isRail());
        assertEquals(RunState.Phase.RUNNING, Phone.app().profile.state().phase());
        assertTrue("it can be cancelled here", turned.findViewById(R.id.cancel).isShown());
        HELD.release();
        Phone.awaitRun();
        assertEquals(RunState.Phase.DONE, Phone.app().profile.state().phase());
        assertEquals(2, ((ViewGroup) turned.findViewById(R.id.rows)).getChildCount());
        assertTrue(turned.findViewById(R.id.share).isShown());
    }

    @Test
    public void anAnswerIsStillThereAfterTurning() {
        ActivityController<MainActivity> controller = Phone.start();
        ((ViewGroup) controller.get().findViewById(R.id.strip)).getChildAt(1).performClick();
        Phone.awaitRun();
        String latency = Phone.text(controller.get(), R.id.latency);
        turn(controller, "w891dp-h411dp-land");
        assertEquals(latency, Phone.text(controller.get(), R.id.latency));
        assertTrue(((ViewGroup) controller.get().findViewById(R.id.strip)).getChildAt(1).isSelected());
    }

    @Test
    public void aPictureThatWasChosenBeforeTheSystemEndedTheProcessIsClassified() throws Exception {
        Uri uri = Uri.parse("content://pictures/2");
        GoldenPicture golden = org.sscdeploy.core.bundle.Bundle.open(BundleFiles.whole())
            .manifest().golden().pictures().get(4);
        byte[] png = Files.readAllBytes(golden.path());
        shadowOf(Phone.context().getContentResolver()).registerInputStream(uri, new ByteArrayInputStream(png));
        CountDownLatch slow = new CountDownLatch(1);
        Phone.app().runs.enqueue(new RunSlot<Void, Void>(), control -> { // a device that takes long to open the bundle
            slow.await();
            return null;
        });
        MainActivity activity = Robolectric.buildActivity(MainActivity.class)
            .create(new android.os.Bundle()).start().get(); // as the system restores it
        activity.onActivityResult(Requests.PICTURE, Activity.RESULT_OK, new Intent().setData(uri));
        slow.countDown();
        Phone.awaitRun();
        assertEquals(uri.toString(), Phone.app().selection.picture.key());
        assertEquals(uri.toString(), Phone.app().classification.state().result().pictureKey());
    }

    @Test
    public void anActivityThatIsGoneWatchesNothing() {
        ActivityController<MainActivity> controller = Phone.start();
        AppState app = Phone.app();
        for (Destination destination : Destination.values()) {
            Phone.go(controller.get(), destination);
        }
        turn(controller, "w891dp-h411dp-land");
        controller.pause().stop().destroy();
        assertEquals(0, Watchers.of(app.classification));
        assertEquals(0, Watchers.of(app.parity));
        assertEquals(0, Watchers.of(app.profile));
        assertEquals(0, Watchers.of(app.share));
        assertEquals(0, Watchers.of(app.runtimeVersions));
    }

    @Test
    public void theScreenAndWhatWasChosenLast() {
        ActivityController<MainActivity> controller = Phone.start();
        Phone.go(controller.get(), Destination.PROFILE);
        controller.get().findViewById(R.id.threads).findViewWithTag("4").performClick();
        controller.get().findViewById(R.id.xnnpack).performClick();
        turn(controller, "w891dp-h411dp-land");
        assertTrue(controller.get().findViewById(R.id.threads).isShown());
        assertTrue(Phone.app().selection.threads.contains("4"));
        assertFalse(Phone.app().selection.xnnpack);
    }

    private static void turn(ActivityController<MainActivity> controller, String qualifiers) {
        RuntimeEnvironment.setQualifiers(qualifiers);
        controller.recreate();
    }
}
