package androidx.test.runner.lifecycle;

import android.app.Activity;

/** Stands in for the type of androidx.test that Robolectric links against. */
public interface ActivityLifecycleCallback {
    void onActivityLifecycleChanged(Activity activity, Stage stage);
}
