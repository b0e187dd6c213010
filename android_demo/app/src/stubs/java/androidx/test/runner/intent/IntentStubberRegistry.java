package androidx.test.runner.intent;

/** Stands in for the type of androidx.test that Robolectric links against; no test here stubs intents this way. */
public final class IntentStubberRegistry {
    private IntentStubberRegistry() { }

    public static boolean isLoaded() {
        return false;
    }

    public static IntentStubber getInstance() {
        throw new IllegalStateException("no stubber is loaded");
    }
}
