package org.sscdeploy.core.picture;

import org.sscdeploy.core.bundle.BundleLimits;

/** A picture of 8 bits a channel, red, green, blue, row by row from the top left. */
public final class Pixels {
    /** Larger pictures are refused, as {@code ssc_deploy.pictures} does. */
    public static final int MAX_PIXELS = BundleLimits.MOST_PIXELS;

    private final int width;
    private final int height;
    private final byte[] rgb;

    /**
     * Puts a size to bytes.
     *
     * @param width  at least 1
     * @param height at least 1
     * @param rgb    uint8 [height, width, 3]; not copied
     * @throws IllegalArgumentException the bytes do not have that size, or there are more than {@link #MAX_PIXELS}
     */
    public Pixels(int width, int height, byte[] rgb) {
        if (width < 1 || height < 1 || (long) width * height > MAX_PIXELS) {
            throw new IllegalArgumentException("a picture of " + width + "x" + height
                + " is empty or too large; it may have up to " + MAX_PIXELS / 1_000_000 + " megapixels");
        }
        if (rgb.length != 3 * width * height) {
            throw new IllegalArgumentException(rgb.length + " bytes are not " + width + "x" + height + " RGB pixels");
        }
        this.width = width;
        this.height = height;
        this.rgb = rgb;
    }

    /**
     * From Android's {@code Bitmap.getPixels}: transparency is dropped, not composited.
     *
     * @param argb {@code 0xAARRGGBB}, row by row
     */
    public static Pixels ofArgb(int width, int height, int[] argb) {
        byte[] rgb = new byte[3 * argb.length];
        for (int i = 0; i < argb.length; i++) {
            rgb[3 * i] = (byte) (argb[i] >> 16);
            rgb[3 * i + 1] = (byte) (argb[i] >> 8);
            rgb[3 * i + 2] = (byte) argb[i];
        }
        return new Pixels(width, height, rgb);
    }

    /** Pixels in a row. */
    public int width() {
        return width;
    }

    /** Rows. */
    public int height() {
        return height;
    }

    /** uint8 [height, width, 3] itself; not a copy. */
    public byte[] rgb() {
        return rgb;
    }
}
