package org.sscdeploy.core.io;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;

/** SHA-256, hexadecimal. */
public final class Sha256 {
    private Sha256() { }

    /** Of a file that can be read. */
    public static String of(Path file) throws IOException {
        MessageDigest digest = digest();
        try (var stream = Files.newInputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return hexadecimal(digest.digest());
    }

    /** Of bytes. */
    public static String of(byte[] content) {
        return hexadecimal(digest().digest(content));
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("every Java and every Android has SHA-256", error);
        }
    }

    private static String hexadecimal(byte[] digest) {
        return String.format(Locale.ROOT, "%064x", new BigInteger(1, digest));
    }
}
