package org.sscdeploy.demo;

import android.app.Activity;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.os.Bundle;
import android.view.ViewGroup;
import org.sscdeploy.demo.about.AboutScreen;
import org.sscdeploy.demo.classify.ClassifyScreen;
import org.sscdeploy.demo.parity.ParityScreen;
import org.sscdeploy.demo.profile.ProfileScreen;
import org.sscdeploy.demo.ui.DestinationBar;
import org.sscdeploy.demo.ui.Insets;

/** The window with the four screens. It is made anew on rotation; what lasts is in {@link AppState}. */
public final class MainActivity extends Activity {
    private static final String DESTINATION = "destination";

    private DestinationBar bar;
    private ViewGroup container;
    private Destination destination = Destination.CLASSIFY;
    private Screen screen;
    private OfferedBundle offered;
    private boolean started;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        DemoApplication.state(this).openOnce();
        setContentView(R.layout.main);
        bar = findViewById(R.id.destinations);
        container = findViewById(R.id.screen);
        Insets.pad(bar, bar.isRail() ? Insets.Sides.NOT_RIGHT : Insets.Sides.NOT_TOP);
        bar.onChosen(this::go);
        if (saved != null) {
            destination = Destination.valueOf(saved.getString(DESTINATION, Destination.CLASSIFY.name()));
        }
        go(destination);
        offered = new OfferedBundle(this);
        if (saved != null) {
            offered.restore(saved);
        } else {
            offered.take(getIntent());
        }
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        offered.take(intent);
    }

    private void go(Destination next) {
        if (screen != null) {
            if (next == destination) {
                return;
            }
            if (started) {
                screen.stop();
            }
        }
        destination = next;
        screen = make(next);
        container.removeAllViews();
        var view = screen.view();
        Insets.pad(view, bar.isRail() ? Insets.Sides.NOT_LEFT : Insets.Sides.NOT_BOTTOM);
        container.addView(view);
        bar.mark(next);
        setTitle(next.title); // TalkBack reads it
        if (started) {
            screen.start();
        }
    }

    private Screen make(Destination wanted) {
        return switch (wanted) {
            case CLASSIFY -> new ClassifyScreen(this, container);
            case PARITY -> new ParityScreen(this, container);
            case PROFILE -> new ProfileScreen(this, container);
            case ABOUT -> new AboutScreen(this, container);
        };
    }

    @Override
    protected void onStart() {
        super.onStart();
        started = true;
        screen.start();
    }

    @Override
    protected void onResume() {
        super.onResume();
        DemoApplication.state(this).bundles.checkInbox();
    }

    @Override
    protected void onStop() {
        screen.stop();
        started = false;
        super.onStop();
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        out.putString(DESTINATION, destination.name());
        offered.save(out);
    }

    @Override
    protected void onDestroy() {
        offered.close();
        super.onDestroy();
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (result == RESULT_OK && data != null) {
            screen.onResult(request, data);
        }
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] grants) {
        super.onRequestPermissionsResult(request, permissions, grants);
        if (request == Requests.CAMERA_PERMISSION && grants.length > 0) { // none: the question was interrupted
            screen.onPermission(grants[0] == PackageManager.PERMISSION_GRANTED);
        }
    }

    /** The screen that is shown. */
    Screen screen() {
        return screen;
    }
}
