package org.sscdeploy.core.job;

/** A job as a whole cannot be done, or its files are not what they should be; the message is a sentence. */
public final class JobException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why, in a sentence. */
    public JobException(String message) {
        super(message);
    }

    /** Says why, in a sentence, and what was thrown. */
    public JobException(String message, Throwable cause) {
        super(message, cause);
    }
}
