package org.sscdeploy.core.bundle;

/**
 * How a picture becomes the input: {@code (pixel / 255 - mean) / std}, channel by channel in float32.
 *
 * @param width   of its input
 * @param height  of its input
 * @param resizes whether a picture of another size is scaled (bilinear, until it just covers the input) and cropped
 *                around its centre; otherwise it is refused
 * @param colour  order of the channels
 * @param mean    one a channel
 * @param std     one a channel, above 0
 */
public record Preprocessing(int width, int height, boolean resizes, Colour colour, float[] mean, float[] std) {
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

    public Preprocessing {
        if (width < 1 || height < 1 || mean.length != colour.channels() || std.length != colour.channels()) {
            throw new IllegalArgumentException("preprocessing does not fit " + colour.channels() + " channels");
        }
        mean = mean.clone();
        std = std.clone();
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
