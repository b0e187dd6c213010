package org.sscdeploy.demo.store;

import android.content.ContentResolver;
import android.content.Context;
import android.net.Uri;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.run.FailureText;
import org.sscdeploy.demo.run.RunManager;
import org.sscdeploy.demo.run.RunSlot;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Watched;

/**
 * The bundle in use, in the app's own folder. New ones come from the app's assets, by {@code adb push} into the inbox,
 * or as a .zip that the user opens; whatever the way, the core unpacks it beside, checks it, and only then swaps it in.
 * Main thread, except where said.
 */
public final class BundleStore extends Watched<BundleState> {
    private final Context context;
    private final RunManager runs;
    private final FailureText failures;
    private final Path folder;
    private final AssetBundle assets;
    private final BundleInbox inbox;
    private final RunSlot<Void, BundleState> slot = new RunSlot<>();

    /** Keeps the bundle in the files of this context. */
    public BundleStore(Context context, RunManager runs, FailureText failures) {
        super(new BundleState(null, BundleState.Event.LOADING, "", ""));
        this.context = context;
        this.runs = runs;
        this.failures = failures;
        this.folder = context.getFilesDir().toPath().resolve("bundle");
        this.assets = new AssetBundle(context);
        this.inbox = new BundleInbox(context);
        slot.watch(this::heard);
    }

    /** Opens what is there, at the start of the process: the assets' bundle where it is new, else the one in use. */
    public void open() {
        runs.enqueue(slot, control -> {
            if (assets.isNew()) {
                return fromAssets("");
            }
            try {
                return new BundleState(Bundle.open(folder), BundleState.Event.READY, "", "");
            } catch (BundleException error) {
                // What was installed is damaged; the one that came with the app is still whole.
                return fromAssets(Files.isDirectory(folder) ? failures.of(error) : "");
            }
        });
    }

    /** Takes what was pushed into the inbox, if anything is there and no run goes on whose bundle it would replace. */
    public void checkInbox() {
        if (inbox.holdsNews() && (!runs.busy() || slot.state().active())) {
            runs.enqueue(slot, control -> {
                if (!inbox.holdsNews()) { // the app was returned to twice before the first of two installations began
                    return state();
                }
                BundleState next = installForUser(inbox.open(), context.getString(R.string.source_inbox));
                inbox.done(next.event() == BundleState.Event.INSTALLED);
                return next;
            });
        }
    }

    /**
     * Installs a .zip that the user chose, as soon as no other work goes on. It must be one that a provider lends: a
     * path would be read with the app's own rights, whoever named it.
     */
    public void install(Uri zip) {
        runs.enqueue(slot, control -> {
            String source = context.getString(R.string.source_file);
            if (!ContentResolver.SCHEME_CONTENT.equals(zip.getScheme())) {
                return refused(source, context.getString(R.string.file_not_lent));
            }
            try {
                InputStream opened = context.getContentResolver().openInputStream(zip);
                return opened == null ? refused(source, context.getString(R.string.file_unreadable))
                    : installForUser(opened, source);
            } catch (IOException | SecurityException error) {
                return refused(source, context.getString(R.string.file_unreadable));
            }
        });
    }

    /** Where {@code adb push} puts a bundle; empty where there is no shared storage. */
    public String inboxPath() {
        return inbox.path();
    }

    /**
     * The bundle that came with the app, put in place. Work's thread.
     *
     * @param damage what was wrong with the one before, for the screen; empty where nothing was
     */
    private BundleState fromAssets(String damage) {
        String stored = context.getString(R.string.source_stored);
        if (!assets.isThere()) {
            return damage.isEmpty() ? new BundleState(null, BundleState.Event.NONE, "", "")
                : new BundleState(null, BundleState.Event.REFUSED, stored, damage);
        }
        BundleState next = installAssets();
        if (next.event() == BundleState.Event.REFUSED) {
            return new BundleState(reopened(), BundleState.Event.REFUSED, next.source(), next.message());
        }
        return damage.isEmpty() ? new BundleState(next.inUse(), BundleState.Event.READY, "", "")
            : new BundleState(next.inUse(), BundleState.Event.REFUSED, stored, damage);
    }

    /** Installs an archive that the user brought, over which the app's own is not tried again. Work's thread. */
    private BundleState installForUser(InputStream zip, String source) throws IOException {
        BundleState next = install(zip, source);
        if (next.event() == BundleState.Event.INSTALLED && assets.isNew()) {
            try {
                assets.settle();
            } catch (IOException error) {
                return next; // the user's is in place all the same, but the next start does not know of it
            }
        }
        return next;
    }

    /** The bundle of the assets; or why it was refused, and then the next start tries again, and says so again. */
    private BundleState installAssets() {
        String source = context.getString(R.string.source_assets);
        try {
            BundleState next = install(assets.openAsZip(), source);
            if (next.event() == BundleState.Event.INSTALLED) {
                assets.settle();
            }
            return next;
        } catch (IOException error) {
            return refused(source, failures.of(error));
        }
    }

    /** The one in place; null where it is none, for which the caller has a message already. Work's thread. */
    private Bundle reopened() {
        try {
            return Bundle.open(folder);
        } catch (BundleException error) {
            return null;
        }
    }

    /** Installs an archive, and closes it. Work's thread. */
    private BundleState install(InputStream zip, String source) throws IOException {
        try (InputStream stream = zip) {
            return new BundleState(Bundle.install(stream, folder), BundleState.Event.INSTALLED, source, "");
        } catch (BundleException | OutOfMemoryError error) {
            return refused(source, failures.of(error));
        }
    }

    private BundleState refused(String source, String why) {
        return new BundleState(state().inUse(), BundleState.Event.REFUSED, source, why);
    }

    private void heard(RunState<Void, BundleState> run) {
        switch (run.phase()) {
            case DONE -> set(run.result());
            case FAILED -> set(refused("", run.message()));
            default -> { }
        }
    }
}
