package org.sscdeploy.core.picture;

import org.sscdeploy.core.bundle.BundleLimits;

/**
 * A picture of 8 bits a channel, red, green, blue, row by row from the top left.
 *
 * @param width  at least 1
 * @param height at least 1
 * @param rgb    uint8 [height, width, 3]; not copied
 */
public record Pixels(int width, int height, byte[] rgb) {
    /** Larger pictures are refused, as {@code ssc_deploy.pictures} does. */
    public static final int MAX_PIXELS = BundleLimits.MOST_PIXELS;

    public Pixels {
        if (width < 1 || height < 1 || (long) width * height > MAX_PIXELS) {
            throw new IllegalArgumentException("a picture of " + width + "x" + height
                + " is empty or too large; it may have up to " + MAX_PIXELS / 1_000_000 + " megapixels");
        }
        if (rgb.length != 3 * width * height) {
            throw new IllegalArgumentException(rgb.length + " bytes are not " + width + "x" + height + " RGB pixels");
        }
    }
}
