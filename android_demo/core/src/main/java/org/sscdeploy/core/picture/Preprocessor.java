package org.sscdeploy.core.picture;

import java.util.Arrays;
import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.Preprocessing;
import org.sscdeploy.core.bundle.Preprocessing.Colour;
import org.sscdeploy.core.engine.Tensor;

/**
 * Makes a picture the network's input, bit for bit as {@code ssc_deploy/pictures.py} does. Immutable.
 *
 * <pre>input[c, y, x] = (pixel[y, x, c] / 255 - mean[c]) / std[c]   in float32, in this order</pre>
 */
public final class Preprocessor {
    private final Preprocessing wanted;

    /** What a bundle asks for. */
    public Preprocessor(Preprocessing preprocessing) {
        wanted = preprocessing;
    }

    /**
     * Scales, crops, orders the channels and normalises.
     *
     * @param picture of any size where the bundle resizes, else of the network's
     * @return float32 [1, C, H, W] or [1, H, W, C]
     * @throws PictureException the picture has another size than the network takes, and the bundle does not resize
     */
    public Tensor apply(Pixels picture, Layout layout) throws PictureException {
        // Grey is made before scaling, as Pillow's users do; both round to 8 bits, so the order matters.
        boolean grey = wanted.colour() == Colour.L;
        byte[] pixels = fitted(grey ? grey(picture.rgb()) : picture.rgb(), picture, grey ? 1 : 3);
        return normalise(wanted.colour() == Colour.BGR ? reversed(pixels) : pixels, layout);
    }

    /**
     * Normalises pixels that have the network's size and order of channels already.
     *
     * @param pixels uint8 [H, W, C]
     * @return float32 [1, C, H, W] or [1, H, W, C]
     */
    public Tensor normalise(byte[] pixels, Layout layout) {
        int channels = wanted.colour().channels();
        int area = wanted.width() * wanted.height();
        if (pixels.length != area * channels) {
            throw new IllegalArgumentException(pixels.length + " bytes are no picture of the network's size");
        }
        float[] mean = wanted.mean();
        float[] std = wanted.std();
        float[] values = new float[pixels.length];
        boolean planes = layout == Layout.NCHW;
        for (int i = 0; i < area; i++) {
            for (int c = 0; c < channels; c++) {
                float value = (pixels[i * channels + c] & 0xFF) / 255f;
                value -= mean[c];
                values[planes ? c * area + i : i * channels + c] = value / std[c];
            }
        }
        return planes ? new Tensor(values, 1, channels, wanted.height(), wanted.width())
            : new Tensor(values, 1, wanted.height(), wanted.width(), channels);
    }

    /**
     * torchvision's Resize and CenterCrop: scaled until it just covers the network's size (the side that overhangs is cut
     * off to a whole number), then cropped around the centre.
     */
    private byte[] fitted(byte[] pixels, Pixels picture, int channels) throws PictureException {
        int width = wanted.width();
        int height = wanted.height();
        long from = picture.width();
        long rows = picture.height();
        if (from == width && rows == height) {
            return pixels;
        }
        if (!wanted.resizes()) {
            throw new PictureException("the picture is " + from + "x" + rows + " (width x height), the network takes "
                + width + "x" + height + "; scale it first");
        }
        // The side that fits exactly decides; the other one overhangs.
        boolean wide = from * height >= rows * width;
        long scaledWidth = wide ? height * from / rows : width;
        long scaledHeight = wide ? height : width * rows / from;
        long middle = BilinearResize.middle(from, rows, scaledWidth, scaledHeight);
        if (Math.max(middle, scaledWidth * scaledHeight) > Pixels.MAX_PIXELS) {
            throw new PictureException("the picture of " + from + "x" + rows
                + " is too long and narrow to be scaled safely; crop it first");
        }
        byte[] scaled = BilinearResize.resize(
            pixels, picture.width(), picture.height(), channels, (int) scaledWidth, (int) scaledHeight);
        int left = half((int) scaledWidth - width);
        int top = half((int) scaledHeight - height);
        byte[] cropped = new byte[width * height * channels];
        for (int y = 0; y < height; y++) {
            int start = ((top + y) * (int) scaledWidth + left) * channels;
            System.arraycopy(scaled, start, cropped, y * width * channels, width * channels);
        }
        return cropped;
    }

    /** Half of a number that is not negative, rounded to the even one where it lies between two, as Python does. */
    private static int half(int number) {
        int below = number / 2;
        return number % 2 == 1 && below % 2 == 1 ? below + 1 : below;
    }

    /** ITU-R 601 in whole 65536ths, as Pillow rounds it. */
    private static byte[] grey(byte[] rgb) {
        byte[] grey = new byte[rgb.length / 3];
        for (int i = 0; i < grey.length; i++) {
            int red = rgb[3 * i] & 0xFF;
            int green = rgb[3 * i + 1] & 0xFF;
            int blue = rgb[3 * i + 2] & 0xFF;
            grey[i] = (byte) (19595 * red + 38470 * green + 7471 * blue + 0x8000 >> 16);
        }
        return grey;
    }

    private static byte[] reversed(byte[] rgb) {
        byte[] bgr = Arrays.copyOf(rgb, rgb.length);
        for (int i = 0; i < rgb.length; i += 3) {
            bgr[i] = rgb[i + 2];
            bgr[i + 2] = rgb[i];
        }
        return bgr;
    }
}
