package org.sscdeploy.core.bundle;

/** A bundle cannot be read or installed; the message is a sentence fit for a screen. */
public final class BundleException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why, in a sentence. */
    public BundleException(String message) {
        super(message);
    }

    /** Says why, in a sentence, and what was thrown. */
    public BundleException(String message, Throwable cause) {
        super(message, cause);
    }
}
