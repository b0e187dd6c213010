package org.sscdeploy.core.io;

import java.io.IOException;
import java.util.Locale;

/** A file or stream has more bytes than it may. */
public final class TooLargeException extends IOException {
    private static final long serialVersionUID = 1;

    /** Says how many it may have. */
    public TooLargeException(long most) {
        super(String.format(Locale.ROOT, "it has more than the %,d bytes that it may have", most));
    }
}
