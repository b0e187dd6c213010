package org.sscdeploy.core.bundle;

/**
 * How large a bundle and its parts may be, in bytes except where said. {@code ssc_deploy/bundling/limits.py} has the
 * same numbers, so that no bundle is made that a device then refuses; a test holds the two together.
 */
public final class BundleLimits {
    /** model.json: 100,000 labels of ordinary length; ours have some kilobytes. */
    public static final int MOST_JSON = 8_000_000;

    /** Files besides model.json. */
    public static final int MOST_FILES = 10_000;

    /** All files besides model.json together, unpacked. The largest network of the zoo makes a bundle of 120 MB. */
    public static final long MOST_UNPACKED = 500_000_000;

    /** An archive: more than all files take that are not compressed, which is how the app's own assets come. */
    public static final long MOST_ARCHIVE = 520_000_000;

    /** Each of the three golden arrays, which are in memory at once. */
    public static final long MOST_ARRAY = 256_000_000;

    /** The values of all blocks of a debug bundle together, as .npy files. */
    public static final long MOST_BLOCK_VALUES = 256_000_000;

    /** Pixels of a picture, whether a network takes it or the user chose it. */
    public static final int MOST_PIXELS = 64_000_000;

    private BundleLimits() { }
}
