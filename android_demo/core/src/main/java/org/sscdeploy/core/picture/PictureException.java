package org.sscdeploy.core.picture;

/** A picture cannot become the network's input; the message is a sentence fit for a screen. */
public final class PictureException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why, in a sentence. */
    public PictureException(String message) {
        super(message);
    }
}
