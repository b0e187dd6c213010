package org.sscdeploy.demo;

import android.app.Activity;
import android.content.Intent;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;
import java.util.function.Consumer;
import org.sscdeploy.core.bundle.Bundle;
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
    private final Consumer<BundleState> bundleWatcher = this::bundleChanged;

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
    }

    /** All of it. */
    public final View view() {
        return view;
    }

    /** One of its views. */
    public final <T extends View> T find(int id) {
        return view.findViewById(id);
    }

    /** Begins to watch what it shows. */
    public void start() {
        app.bundles.watch(bundleWatcher);
    }

    /** Stops to watch; an Activity that is gone is not held. */
    public void stop() {
        app.bundles.forget(bundleWatcher);
    }

    /** Something that the screen asked another app for is here. */
    public void onResult(int request, Intent data) { }

    /** The user answered a question for a permission. */
    public void onPermission(boolean granted) { }

    /** Shows another bundle, or that there is none. */
    protected abstract void show(Bundle bundle);

    /** Shows that there is no bundle. */
    protected abstract void showNoBundle();

    private void bundleChanged(BundleState state) {
        Notice notice = find(R.id.bundle_notice);
        TextView subtitle = find(R.id.subtitle);
        subtitle.setText(state.bundle().map(Bundle::name).orElseGet(() -> activity.getString(
            state.event() == BundleState.Event.LOADING ? R.string.bundle_loading : R.string.no_bundle)));
        switch (state.event()) {
            case REFUSED:
                notice.show(Notice.Weight.BAD, activity.getString(R.string.bundle_refused, state.source()),
                    Sentences.of(state.message()) + " " + activity.getString(state.bundle().isPresent()
                        ? R.string.bundle_stays : R.string.bundle_how, app.bundles.inboxPath()));
                break;
            case NONE:
                notice.show(Notice.Weight.WARNING, activity.getString(R.string.no_bundle),
                    activity.getString(R.string.bundle_how, app.bundles.inboxPath()));
                break;
            case INSTALLED:
                notice.show(Notice.Weight.GOOD, activity.getString(R.string.bundle_installed, state.source()));
                break;
            default:
                notice.hide();
                break;
        }
        if (state.bundle().isPresent()) {
            show(state.bundle().get());
        } else {
            showNoBundle();
        }
    }
}
