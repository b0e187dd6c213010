package org.sscdeploy.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ContentResolver;
import android.content.DialogInterface;
import android.content.Intent;
import android.net.Uri;
import android.os.CancellationSignal;
import android.os.Handler;
import android.os.Looper;
import android.provider.OpenableColumns;
import java.lang.ref.WeakReference;
import java.util.function.Consumer;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.demo.store.BundleState;

/**
 * A bundle that another app hands over, and the question whether it may take the place of the one in use: any app can
 * hand over any file, so nothing of it but its name is read before the user agrees. Main thread.
 */
final class OfferedBundle {
    private static final String URI = "offered bundle";

    /** Code points of a name; it is whoever offers the file that chose it. */
    private static final int MOST_NAME = 60;

    private final Activity activity;
    private final AppState app;
    private final Consumer<BundleState> watcher = state -> showMessage();
    private Uri uri;
    private String name;
    private AlertDialog dialog;
    private CancellationSignal naming;

    OfferedBundle(Activity activity) {
        this.activity = activity;
        this.app = DemoApplication.state(activity);
    }

    /** Asks about the file that started the Activity; not again when it is started from the list of latest apps. */
    void take(Intent intent) {
        boolean again = (intent.getFlags() & Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY) != 0;
        if (!Intent.ACTION_VIEW.equals(intent.getAction()) || intent.getData() == null || again) {
            return;
        }
        if (ContentResolver.SCHEME_CONTENT.equals(intent.getData().getScheme())) {
            ask(intent.getData());
        } else {
            app.bundles.install(intent.getData()); // which says why it does not
        }
    }

    /** Asks once more what an Activity asked that is gone, since the device was turned. */
    void restore(android.os.Bundle saved) {
        String asked = saved.getString(URI);
        if (asked != null) {
            ask(Uri.parse(asked));
        }
    }

    /** Keeps the question for the next Activity. */
    void save(android.os.Bundle out) {
        if (uri != null) {
            out.putString(URI, uri.toString());
        }
    }

    /** Takes the question from the screen. */
    void close() {
        uri = null;
        if (dialog != null) {
            app.bundles.forget(watcher);
            dialog.dismiss();
            dialog = null;
            naming.cancel();
            naming = null;
        }
    }

    private void ask(Uri offered) {
        close();
        uri = offered;
        name = "";
        dialog = new AlertDialog.Builder(activity)
            .setTitle(R.string.offered)
            .setMessage("")
            .setPositiveButton(R.string.offered_use, this::answered)
            .setNegativeButton(R.string.cancel, this::answered)
            .setOnCancelListener(cancelled -> answered(cancelled, DialogInterface.BUTTON_NEGATIVE))
            .create();
        dialog.show();
        app.bundles.watch(watcher);
        naming = new CancellationSignal();
        askName(new WeakReference<>(this), offered, naming);
    }

    private void answered(DialogInterface asked, int button) {
        if (asked != dialog) {
            return; // answers come by message, and meanwhile another file may have been offered: that is not agreed to
        }
        Uri agreed = uri;
        close();
        if (button == DialogInterface.BUTTON_POSITIVE) {
            app.bundles.install(agreed);
        }
    }

    private void named(CancellationSignal asked, String found) {
        if (asked == naming) {
            name = found;
            showMessage();
        }
    }

    private void showMessage() {
        String shown = name.isEmpty() ? activity.getString(R.string.offered_unnamed) : name;
        BundleState state = app.bundles.state();
        dialog.setMessage(state.bundle().map(used -> used.manifest().name())
            .map(used -> activity.getString(R.string.offered_replaces, shown, used))
            .orElseGet(() -> activity.getString(R.string.offered_first, shown)));
    }

    /**
     * Asks a provider what it calls a file. On a thread of its own: the provider belongs to another app, which may be
     * slow to answer or not answer at all; and then the Activity, which may be gone by then, must not be held.
     */
    private static void askName(WeakReference<OfferedBundle> asker, Uri offered, CancellationSignal signal) {
        ContentResolver resolver = asker.get().activity.getApplicationContext().getContentResolver();
        Thread thread = new Thread(() -> {
            String found = name(resolver, offered, signal);
            new Handler(Looper.getMainLooper()).post(() -> {
                OfferedBundle question = asker.get();
                if (question != null) {
                    question.named(signal, found);
                }
            });
        }, "ssc-offered-bundle");
        thread.setDaemon(true);
        thread.start();
    }

    /** Empty where the provider does not say. */
    private static String name(ContentResolver resolver, Uri offered, CancellationSignal signal) {
        String[] wanted = {OpenableColumns.DISPLAY_NAME};
        try (var cursor = resolver.query(offered, wanted, null, null, null, signal)) {
            String found = cursor != null && cursor.moveToFirst() && cursor.getColumnCount() > 0
                ? cursor.getString(0) : null;
            return found == null ? "" : onOneLine(found);
        } catch (RuntimeException error) { // whatever another app's provider throws, or that it was cancelled
            return "";
        }
    }

    /** Without what would let a name look like a part of the question: line breaks, other directions of writing. */
    private static String onOneLine(String name) {
        String line = name.replaceAll("[\\p{C}\\p{Zl}\\p{Zp}]", "?").trim();
        return line.codePointCount(0, line.length()) > MOST_NAME
            ? line.substring(0, line.offsetByCodePoints(0, MOST_NAME)) + "…" : line;
    }
}
