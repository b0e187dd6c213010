package org.sscdeploy.demo.store;

import java.util.Optional;
import org.sscdeploy.core.bundle.Bundle;

/**
 * The bundle in use, and what happened to the last one that was to be opened.
 *
 * @param inUse   the bundle; null where there is none
 * @param event   what happened last
 * @param source  where the one that was installed or refused came from, in words
 * @param message why one was refused, a sentence; empty otherwise
 */
public record BundleState(Bundle inUse, Event event, String source, String message) {
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

    /** The one in use. */
    public Optional<Bundle> bundle() {
        return Optional.ofNullable(inUse);
    }
}
