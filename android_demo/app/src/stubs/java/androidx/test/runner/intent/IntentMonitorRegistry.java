package androidx.test.runner.intent;

/** Stands in for the type of androidx.test that Robolectric links against. */
public final class IntentMonitorRegistry {
    private IntentMonitorRegistry() { }

    public static void registerInstance(IntentMonitor monitor) { }
}
