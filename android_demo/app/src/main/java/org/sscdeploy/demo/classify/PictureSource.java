package org.sscdeploy.demo.classify;

import android.content.ContentResolver;
import android.net.Uri;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import org.sscdeploy.core.bundle.GoldenPicture;
import org.sscdeploy.core.picture.PictureException;

/** A picture's file, wherever it comes from. Immutable. */
public abstract class PictureSource {
    /** Larger files are refused before they are read. */
    private static final int MAX_BYTES = 64_000_000;

    private final String key;
    private final String name;

    private PictureSource(String key, String name) {
        this.key = key;
        this.name = name;
    }

    /** What tells it from others. */
    public String key() {
        return key;
    }

    /** What people call it. */
    public String name() {
        return name;
    }

    /**
     * The encoded file. Reads; not on the main thread.
     *
     * @throws IOException      it cannot be read
     * @throws PictureException it is too large
     */
    public abstract byte[] read() throws IOException, PictureException;

    /** One of the bundle's. */
    public static PictureSource golden(GoldenPicture picture) {
        return new PictureSource(picture.file(), picture.path().getFileName().toString()) {
            @Override
            public byte[] read() throws IOException {
                return Files.readAllBytes(picture.path());
            }
        };
    }

    /** What the camera took. */
    public static PictureSource taken(byte[] jpeg, String name) {
        return new PictureSource("camera " + System.identityHashCode(jpeg), name) {
            @Override
            public byte[] read() {
                return jpeg;
            }
        };
    }

    /** What the user chose. */
    public static PictureSource chosen(ContentResolver resolver, Uri uri, String name) {
        return new PictureSource(uri.toString(), name) {
            @Override
            public byte[] read() throws IOException, PictureException {
                try (InputStream in = resolver.openInputStream(uri)) {
                    if (in == null) {
                        throw new IOException("no stream");
                    }
                    return limited(in);
                } catch (SecurityException error) {
                    throw new IOException(error);
                }
            }
        };
    }

    private static byte[] limited(InputStream in) throws IOException, PictureException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[65536];
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
            out.write(buffer, 0, count);
            if (out.size() > MAX_BYTES) {
                throw new PictureException("the picture's file is larger than " + MAX_BYTES / 1_000_000 + " MB");
            }
        }
        return out.toByteArray();
    }
}
