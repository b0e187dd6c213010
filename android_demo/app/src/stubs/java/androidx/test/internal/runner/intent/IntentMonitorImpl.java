package androidx.test.internal.runner.intent;

import android.content.Intent;
import androidx.test.runner.intent.IntentMonitor;

/** Stands in for the type of androidx.test that Robolectric links against. */
public final class IntentMonitorImpl implements IntentMonitor {
    public void signalIntent(Intent intent) { }
}
