package org.sscdeploy.demo.store;

import java.util.Optional;
import org.sscdeploy.core.bundle.Bundle;

/** The bundle in use, and what happened to the last one that was to be opened. Immutable. */
public final class BundleState {
    /** What happened last. */
    public enum Event {
        /** The bundle is being opened. */
        LOADING,
        /** Nothing to tell. */
        READY,
        /** There is no bundle at all. */
        NONE,
        /** A new one was put in place. */
        INSTALLED,
        /** One was refused; the message says why. */
        REFUSED
    }

    private final Bundle bundle;
    private final Event event;
    private final String source;
    private final String message;

    BundleState(Bundle bundle, Event event, String source, String message) {
        this.bundle = bundle;
        this.event = event;
        this.source = source;
        this.message = message;
    }

    /** The one in use. */
    public Optional<Bundle> bundle() {
        return Optional.ofNullable(bundle);
    }

    /** What happened last. */
    public Event event() {
        return event;
    }

    /** Where the one that was installed or refused came from, in words. */
    public String source() {
        return source;
    }

    /** Why one was refused, a sentence; empty otherwise. */
    public String message() {
        return message;
    }
}
