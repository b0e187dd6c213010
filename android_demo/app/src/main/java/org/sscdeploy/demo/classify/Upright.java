package org.sscdeploy.demo.classify;

import org.sscdeploy.core.picture.Pixels;

/**
 * How a camera held a picture, by the eight orientations of EXIF; moves pixels and changes none. An upright pixel (x, y)
 * is read at (x, y), after both were exchanged where the picture lies on its side, and counted from the far end where
 * it is mirrored.
 */
enum Upright {
    NORMAL(false, false, false),
    MIRRORED(false, true, false),
    TURNED_180(false, true, true),
    UPSIDE_DOWN_MIRRORED(false, false, true),
    TRANSPOSED(true, false, false),
    TURNED_90(true, false, true),
    TRANSVERSED(true, true, true),
    TURNED_270(true, true, false);

    private final boolean exchanged;
    private final boolean fromRight;
    private final boolean fromBottom;

    Upright(boolean exchanged, boolean fromRight, boolean fromBottom) {
        this.exchanged = exchanged;
        this.fromRight = fromRight;
        this.fromBottom = fromBottom;
    }

    /** EXIF's number, 1 to 8; any other counts as 1. */
    static Upright of(int orientation) {
        return orientation >= 1 && orientation <= 8 ? values()[orientation - 1] : NORMAL;
    }

    /** The upright picture of pixels {@code 0xAARRGGBB} as they are stored. */
    Pixels apply(int[] argb, int width, int height) {
        int uprightWidth = exchanged ? height : width;
        int uprightHeight = exchanged ? width : height;
        byte[] rgb = new byte[3 * argb.length];
        int to = 0;
        for (int y = 0; y < uprightHeight; y++) {
            for (int x = 0; x < uprightWidth; x++) {
                int column = exchanged ? y : x;
                int row = exchanged ? x : y;
                column = fromRight ? width - 1 - column : column;
                row = fromBottom ? height - 1 - row : row;
                int pixel = argb[row * width + column];
                rgb[to++] = (byte) (pixel >> 16);
                rgb[to++] = (byte) (pixel >> 8);
                rgb[to++] = (byte) pixel;
            }
        }
        return new Pixels(uprightWidth, uprightHeight, rgb);
    }
}
