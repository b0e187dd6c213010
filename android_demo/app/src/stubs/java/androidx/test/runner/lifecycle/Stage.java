package androidx.test.runner.lifecycle;

/** Stands in for the type of androidx.test that Robolectric links against. */
public enum Stage {
    PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED
}
