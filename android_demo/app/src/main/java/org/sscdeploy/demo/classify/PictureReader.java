package org.sscdeploy.demo.classify;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.ColorSpace;
import android.media.ExifInterface;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import org.sscdeploy.core.picture.PictureException;
import org.sscdeploy.core.picture.Pixels;

/** Decodes a picture's file to upright pixels. */
public final class PictureReader {
    /** Above that a picture is halved while it is decoded, until it is below: it would not fit into an app's memory. */
    private static final long MAX_DECODED = 16_000_000;

    private PictureReader() { }

    /**
     * Decodes it; not on the main thread.
     *
     * @param file a JPEG, PNG, WebP or whatever else the system decodes
     * @return its pixels, transparency dropped
     * @throws PictureException it is no picture, or damaged
     */
    public static Pixels read(byte[] file) throws PictureException {
        BitmapFactory.Options options = measured(file);
        if (options.outWidth < 1 || options.outHeight < 1) {
            throw new PictureException("the file is no picture that this device can read");
        }
        while ((long) options.outWidth * options.outHeight / ((long) options.inSampleSize * options.inSampleSize)
                > MAX_DECODED) {
            options.inSampleSize *= 2;
        }
        options.inPreferredConfig = Bitmap.Config.ARGB_8888;
        options.inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB);
        options.inPremultiplied = false; // Pillow, too, drops transparency without touching the colours
        Bitmap bitmap = BitmapFactory.decodeByteArray(file, 0, file.length, options);
        if (bitmap == null) {
            throw new PictureException("the picture is damaged or cut off");
        }
        int width = bitmap.getWidth();
        int height = bitmap.getHeight();
        int[] argb = new int[width * height];
        bitmap.getPixels(argb, 0, width, 0, 0, width, height);
        bitmap.recycle();
        return Upright.of(orientation(file)).apply(argb, width, height);
    }

    /** The size of a picture, to decode it by: as large as it is, or by a larger {@code inSampleSize}. */
    public static BitmapFactory.Options measured(byte[] file) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inScaled = false;
        options.inSampleSize = 1;
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeByteArray(file, 0, file.length, options);
        options.inJustDecodeBounds = false;
        return options;
    }

    private static int orientation(byte[] file) {
        try {
            return new ExifInterface(new ByteArrayInputStream(file)).getAttributeInt(
                ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL);
        } catch (IOException | RuntimeException error) { // damaged or missing notes do not make a picture unreadable
            return ExifInterface.ORIENTATION_NORMAL;
        }
    }

    /** The picture for the screen, at most so many pixels wide and high. */
    public static Bitmap forScreen(Pixels pixels, int side) {
        int step = Math.max(1, (Math.max(pixels.width(), pixels.height()) + side - 1) / side);
        int width = Math.max(1, pixels.width() / step);
        int height = Math.max(1, pixels.height() / step);
        int[] argb = new int[width * height];
        byte[] rgb = pixels.rgb();
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = 3 * (y * step * pixels.width() + x * step);
                argb[y * width + x] = 0xff000000 | (rgb[at] & 0xff) << 16 | (rgb[at + 1] & 0xff) << 8 | rgb[at + 2] & 0xff;
            }
        }
        return Bitmap.createBitmap(argb, width, height, Bitmap.Config.ARGB_8888);
    }
}
