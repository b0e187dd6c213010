package org.sscdeploy.core.bundle;

/**
 * How a picture becomes the input: {@code (pixel / 255 - mean) / std}, channel by channel in float32. Immutable.
 */
public final class Preprocessing {
    /** Order of the channels. */
    public enum Colour {
        /** Red first. */
        RGB,
        /** Blue first. */
        BGR,
        /** Grey alone, by ITU-R 601. */
        L;

        /** How many channels. */
        public int channels() {
            return this == L ? 1 : 3;
        }
    }

    private final int width;
    private final int height;
    private final boolean resizes;
    private final Colour colour;
    private final float[] mean;
    private final float[] std;

    /**
     * What a network wants.
     *
     * @param width   of its input
     * @param height  of its input
     * @param resizes whether a picture of another size is scaled (bilinear, until it just covers the input) and
     *                cropped around its centre; otherwise it is refused
     * @param colour  order of the channels
     * @param mean    one a channel
     * @param std     one a channel, above 0
     */
    public Preprocessing(int width, int height, boolean resizes, Colour colour, float[] mean, float[] std) {
        if (width < 1 || height < 1 || mean.length != colour.channels() || std.length != colour.channels()) {
            throw new IllegalArgumentException("preprocessing does not fit " + colour.channels() + " channels");
        }
        this.width = width;
        this.height = height;
        this.resizes = resizes;
        this.colour = colour;
        this.mean = mean.clone();
        this.std = std.clone();
    }

    /** Columns of the input. */
    public int width() {
        return width;
    }

    /** Rows of the input. */
    public int height() {
        return height;
    }

    /** Whether a picture of another size is scaled and cropped; otherwise it is refused. */
    public boolean resizes() {
        return resizes;
    }

    /** Order of the channels. */
    public Colour colour() {
        return colour;
    }

    /** A copy of the means, one a channel. */
    public float[] mean() {
        return mean.clone();
    }

    /** A copy of the standard deviations, one a channel. */
    public float[] std() {
        return std.clone();
    }
}
