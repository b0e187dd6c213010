package org.sscdeploy.demo;

import android.app.Activity;
import android.content.Intent;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.demo.run.Watched;
import org.sscdeploy.demo.store.BundleState;
import org.sscdeploy.demo.ui.Notice;
import org.sscdeploy.demo.ui.Sentences;

/**
 * One of the four screens. It keeps nothing: what lasts is in {@link AppState}, which it watches while it is shown, so
 * that a rotation, which makes all anew, loses nothing.
 */
public abstract class Screen {
    /** Where it is shown. */
    protected final Activity activity;
    /** What lasts. */
    protected final AppState app;
    private final View view;
    private final List<Runnable> whenStarted = new ArrayList<>();
    private final List<Runnable> whenStopped = new ArrayList<>();

    /**
     * Makes the views.
     *
     * @param title  string resource
     * @param first  layout of the first column; 0 for none
     * @param second layout of the second column; 0 for none
     */
    protected Screen(Activity activity, ViewGroup parent, int title, int first, int second) {
        this.activity = activity;
        this.app = DemoApplication.state(activity);
        LayoutInflater inflater = LayoutInflater.from(activity);
        view = inflater.inflate(R.layout.screen, parent, false);
        this.<TextView>find(R.id.title).setText(title);
        if (first != 0) {
            inflater.inflate(first, find(R.id.first), true);
        }
        if (second != 0) {
            inflater.inflate(second, find(R.id.second), true);
        }
        watch(app.bundles, this::bundleChanged);
    }

    /** Watches something while the screen is shown. */
    protected final <T> void watch(Watched<T> watched, Consumer<T> watcher) {
        whenStarted.add(() -> watched.watch(watcher));
        whenStopped.add(() -> watched.forget(watcher));
    }

    /** All of it. */
    public final View view() {
        return view;
    }

    /** A text in the user's language. */
    protected final String text(int id, Object... values) {
        return activity.getString(id, values);
    }

    /** One of its views. */
    public final <T extends View> T find(int id) {
        return view.findViewById(id);
    }

    /** Begins to watch what it shows. */
    public void start() {
        whenStarted.forEach(Runnable::run);
    }

    /** Stops to watch; an Activity that is gone is not held. */
    public void stop() {
        whenStopped.forEach(Runnable::run);
    }

    /** Something that the screen asked another app for is here. */
    public void onResult(int request, Intent data) { }

    /** The user answered a question for a permission. */
    public void onPermission(boolean granted) { }

    /** Shows another bundle, or with null that there is none. */
    protected abstract void show(Bundle bundle);

    private void bundleChanged(BundleState state) {
        Notice notice = find(R.id.bundle_notice);
        TextView subtitle = find(R.id.subtitle);
        subtitle.setText(state.bundle().map(used -> used.manifest().name()).orElseGet(() -> text(
            state.event() == BundleState.Event.LOADING ? R.string.bundle_loading : R.string.no_bundle)));
        switch (state.event()) {
            case REFUSED -> notice.show(Notice.Weight.BAD, text(R.string.bundle_refused, state.source()),
                Sentences.of(state.message()) + " " + text(state.bundle().isPresent()
                    ? R.string.bundle_stays : R.string.bundle_how, app.bundles.inboxPath()));
            case NONE -> notice.show(Notice.Weight.WARNING, text(R.string.no_bundle),
                text(R.string.bundle_how, app.bundles.inboxPath()));
            case INSTALLED -> notice.show(Notice.Weight.GOOD, text(R.string.bundle_installed, state.source()));
            default -> notice.hide();
        }
        show(state.inUse());
    }
}
