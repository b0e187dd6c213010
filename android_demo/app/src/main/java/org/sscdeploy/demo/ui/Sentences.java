package org.sscdeploy.demo.ui;

/** Messages of the core are in lower case and without a full stop, as on the command line; screens want sentences. */
public final class Sentences {
    private Sentences() { }

    /** The message as a sentence; an empty one stays so. */
    public static String of(String message) {
        String text = message.trim();
        if (text.isEmpty()) {
            return "";
        }
        String capital = text.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + text.substring(1);
        return ".!?".indexOf(text.charAt(text.length() - 1)) >= 0 ? capital : capital + ".";
    }
}
