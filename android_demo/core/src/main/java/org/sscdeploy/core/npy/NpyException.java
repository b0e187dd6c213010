package org.sscdeploy.core.npy;

/** Bytes are no array, or one of a kind that is not read; the message is a part of a sentence: "it ...". */
public final class NpyException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why. */
    public NpyException(String message) {
        super(message);
    }
}
