package org.sscdeploy.core.picture;

/**
 * Bilinear resizing with antialiasing, bit for bit as {@code ssc_deploy.pictures} has Pillow do it, one axis at a time.
 *
 * <p>Each output pixel is a weighted mean of the pixels below a triangle around its centre; the triangle is as wide as
 * two output pixels, or two input pixels where the picture grows:
 *
 * <pre>out[x] = clip((sum over i of w[x][i] in[i] + 2^21) / 2^22),  w rounded to whole multiples of 2^-22</pre>
 *
 * <p>First all rows, then all columns, with 8 bits between; where many more rows go than columns, the columns come first,
 * as in Pillow 13. Weights are made in float64 in Pillow's order of operations, so that they round to the same whole
 * numbers on every machine.
 */
final class BilinearResize {
    /** Pillow's: 32 bits of a sum, less 8 of a pixel, less 2 to spare. */
    private static final int PRECISION = 22;

    private BilinearResize() { }

    /**
     * Resizes.
     *
     * @param pixels uint8 [height, width, channels]
     * @return uint8 [newHeight, newWidth, channels]; the argument itself where it has that size
     */
    static byte[] resize(byte[] pixels, int width, int height, int channels, int newWidth, int newHeight) {
        if (columnsFirst(width, height, newWidth, newHeight)) {
            byte[] lower = newHeight == height ? pixels
                : columns(pixels, width * channels, new Weights(height, newHeight));
            return newWidth == width ? lower
                : rows(lower, width, newHeight, channels, new Weights(width, newWidth));
        }
        byte[] narrower = newWidth == width ? pixels
            : rows(pixels, width, height, channels, new Weights(width, newWidth));
        return newHeight == height ? narrower
            : columns(narrower, newWidth * channels, new Weights(height, newHeight));
    }

    /** Pixels of the image between the two passes. */
    static long middle(long width, long height, long newWidth, long newHeight) {
        return columnsFirst(width, height, newWidth, newHeight) ? width * newHeight : newWidth * height;
    }

    private static boolean columnsFirst(long width, long height, long newWidth, long newHeight) {
        return height - newHeight > Math.max(0, 2 * (width - newWidth));
    }

    private static byte[] rows(byte[] in, int width, int height, int channels, Weights weights) {
        byte[] out = new byte[Math.multiplyExact(height * channels, weights.size)];
        for (int y = 0, to = 0; y < height; y++) {
            for (int x = 0; x < weights.size; x++) {
                int from = (y * width + weights.first[x]) * channels;
                for (int c = 0; c < channels; c++, to++) {
                    out[to] = weights.sum(x, in, from + c, channels);
                }
            }
        }
        return out;
    }

    private static byte[] columns(byte[] in, int stride, Weights weights) {
        byte[] out = new byte[Math.multiplyExact(stride, weights.size)];
        for (int y = 0, to = 0; y < weights.size; y++) {
            int from = weights.first[y] * stride;
            for (int i = 0; i < stride; i++, to++) {
                out[to] = weights.sum(y, in, from + i, stride);
            }
        }
        return out;
    }

    /** What each output pixel along one axis is made of. */
    private static final class Weights {
        final int size;
        final int[] first;
        private final int[][] weights;

        Weights(int in, int out) {
            size = out;
            first = new int[out];
            weights = new int[out][];
            double scale = (double) in / out;
            double stretch = Math.max(scale, 1.0);
            double inverse = 1.0 / stretch;
            for (int x = 0; x < out; x++) {
                double centre = (x + 0.5) * scale;
                int low = Math.max(0, (int) (centre - stretch + 0.5));
                int high = Math.min(in, (int) (centre + stretch + 0.5));
                first[x] = low;
                weights[x] = whole(low, high, centre, inverse);
            }
        }

        private static int[] whole(int low, int high, double centre, double inverse) {
            double[] exact = new double[high - low];
            double total = 0.0;
            for (int i = 0; i < exact.length; i++) {
                double distance = Math.abs((i + low - centre + 0.5) * inverse);
                exact[i] = distance < 1.0 ? 1.0 - distance : 0.0;
                total += exact[i];
            }
            int[] whole = new int[exact.length];
            for (int i = 0; i < whole.length; i++) {
                double share = total != 0.0 ? exact[i] / total : exact[i];
                whole[i] = (int) (0.5 + share * (1 << PRECISION));
            }
            return whole;
        }

        byte sum(int place, byte[] in, int from, int step) {
            int sum = 1 << PRECISION - 1;
            int at = from;
            for (int weight : weights[place]) {
                sum += (in[at] & 0xFF) * weight;
                at += step;
            }
            return (byte) Math.max(0, Math.min(255, sum >> PRECISION));
        }
    }
}
