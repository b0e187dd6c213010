package org.sscdeploy.demo.classify;

import android.content.ContentResolver;
import android.net.Uri;
import java.io.IOException;
import java.nio.file.Files;
import org.sscdeploy.core.bundle.GoldenPicture;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.TooLargeException;
import org.sscdeploy.core.picture.PictureException;

/**
 * A picture's file, wherever it comes from.
 *
 * @param key     what tells it from others
 * @param content how it is read
 */
public record PictureSource(String key, Content content) {
    /** Larger files are refused before they are read. */
    private static final int MAX_BYTES = 64_000_000;

    /** How a file is read. */
    @FunctionalInterface
    public interface Content {
        /**
         * The encoded file. Reads; not on the main thread.
         *
         * @throws PictureException it is too large
         */
        byte[] read() throws IOException, PictureException;
    }

    /** One of the bundle's. */
    public static PictureSource golden(GoldenPicture picture) {
        return new PictureSource(picture.file(), () -> Files.readAllBytes(picture.path()));
    }

    /** What the camera took. */
    public static PictureSource taken(byte[] jpeg) {
        return new PictureSource("camera " + System.identityHashCode(jpeg), () -> jpeg);
    }

    /** What the user chose. */
    public static PictureSource chosen(ContentResolver resolver, Uri uri) {
        return new PictureSource(uri.toString(), () -> {
            try (var in = resolver.openInputStream(uri)) {
                if (in == null) {
                    throw new IOException("no stream");
                }
                return SafeFiles.read(in, MAX_BYTES);
            } catch (SecurityException error) {
                throw new IOException(error);
            } catch (TooLargeException error) {
                throw new PictureException("the picture's file is larger than " + MAX_BYTES / 1_000_000 + " MB");
            }
        });
    }
}
