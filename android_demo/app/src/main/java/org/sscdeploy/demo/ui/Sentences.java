package org.sscdeploy.demo.ui;

import java.util.Locale;

/**
 * Messages of the core are in lower case and without a full stop, as on the command line; screens want sentences. A
 * message that begins with the name of a file keeps it as it is.
 */
public final class Sentences {
    private Sentences() { }

    /** The message as a sentence; an empty one stays so. */
    public static String of(String message) {
        String text = message.trim();
        if (text.isEmpty()) {
            return "";
        }
        boolean file = text.split(" ", 2)[0].matches(".*[./_].+");
        String capital = file ? text : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
        return ".!?".indexOf(text.charAt(text.length() - 1)) >= 0 ? capital : capital + ".";
    }
}
