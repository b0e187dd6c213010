package org.sscdeploy.core.bundle;

import java.util.regex.Pattern;

/** Names of files in a bundle: relative, in plain characters, never leading out of it. */
final class BundlePath {
    private static final int LONGEST = 200;
    private static final Pattern COMPONENTS = Pattern.compile("[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*");
    private static final Pattern DOTS = Pattern.compile("(?:.*/)?\\.{1,2}(?:/.*)?");

    private BundlePath() { }

    /** Whether a name is safe to be used below a folder. */
    static boolean isSafe(String name) {
        return name.length() <= LONGEST && COMPONENTS.matcher(name).matches() && !DOTS.matcher(name).matches();
    }
}
