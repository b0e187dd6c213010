package org.sscdeploy.demo;

import static org.junit.Assert.fail;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.Context;
import android.os.Looper;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ImageView;
import android.widget.TextView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.sscdeploy.demo.ui.Notice;

/** A simulated device with the app on it, as a test sees it. */
final class Phone {
    private static final long PATIENCE_MILLIS = 60_000;

    private Phone() { }

    static Context context() {
        return RuntimeEnvironment.getApplication();
    }

    static AppState app() {
        return DemoApplication.state(context());
    }

    /** Pushes a .zip as {@code adb push} would, to be found at the next start or return to the app. */
    static void push(Path zip) throws IOException {
        Path inbox = Paths.get(app().bundles.inboxPath());
        Files.createDirectories(inbox.getParent());
        Files.copy(zip, inbox, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Starts the app and waits until it has opened its bundle. */
    static ActivityController<MainActivity> start() {
        ActivityController<MainActivity> controller = Robolectric.buildActivity(MainActivity.class).setup();
        await("the bundle is opened", () -> !app().runs.busy());
        return controller;
    }

    /** Lets both threads work until something is so. */
    static void await(String what, BooleanSupplier condition) {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (true) {
            shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(20));
            if (condition.getAsBoolean()) {
                return;
            }
            if (System.currentTimeMillis() > end) {
                fail("waited in vain until " + what);
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException error) {
                throw new AssertionError(error);
            }
        }
    }

    /** Lets a run that was begun go to its end. */
    static void awaitRun() {
        await("the run has ended", () -> !app().runs.busy());
    }

    /** Lets the small pictures arrive. */
    static void awaitThumbnails(Activity activity) {
        ViewGroup strip = activity.findViewById(R.id.strip);
        await("the small pictures are there", () -> {
            for (int i = 0; i < strip.getChildCount(); i++) {
                if (((ImageView) strip.getChildAt(i)).getDrawable() == null) {
                    return false;
                }
            }
            return strip.getChildCount() > 0;
        });
    }

    static void go(Activity activity, Destination destination) {
        activity.findViewById(R.id.destinations).findViewWithTag(destination).performClick();
        shadowOf(Looper.getMainLooper()).idle();
    }

    static void click(Activity activity, int id) {
        View view = activity.findViewById(id);
        if (view == null || !view.isShown() || !view.isEnabled()) {
            fail("nobody could press " + activity.getResources().getResourceEntryName(id));
        }
        view.performClick();
        shadowOf(Looper.getMainLooper()).idle();
    }

    /** What a notice of the screen says; empty where it is hidden. */
    static String notice(Activity activity, int id) {
        Notice notice = activity.findViewById(id);
        return notice.shown();
    }

    /** The text of a view that is shown; empty where it is not. */
    static String text(Activity activity, int id) {
        TextView view = activity.findViewById(id);
        return view != null && view.isShown() ? view.getText().toString() : "";
    }

    /** All that is written in a part of the screen, one text a line. */
    static String allText(View view) {
        if (view instanceof TextView) {
            return ((TextView) view).getText() + "\n";
        }
        StringBuilder text = new StringBuilder();
        if (view instanceof ViewGroup) {
            for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
                text.append(allText(((ViewGroup) view).getChildAt(i)));
            }
        }
        return text.toString();
    }

    static Path temporary() throws IOException {
        return Files.createTempDirectory("ssc-demo");
    }
}
