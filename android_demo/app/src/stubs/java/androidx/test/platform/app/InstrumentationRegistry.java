package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/** Stands in for the type of androidx.test that Robolectric links against. */
public final class InstrumentationRegistry {
    private InstrumentationRegistry() { }

    public static void registerInstance(Instrumentation instrumentation, Bundle arguments) { }
}
