package androidx.test.runner.intent;

/** Stands in for the type of androidx.test that Robolectric links against. */
public interface IntentMonitor { }
