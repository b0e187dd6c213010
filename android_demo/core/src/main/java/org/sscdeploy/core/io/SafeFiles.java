package org.sscdeploy.core.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Reading within limits, writing in one step. */
public final class SafeFiles {
    private SafeFiles() { }

    /**
     * The content of a small file.
     *
     * @param most bytes that it may have; a larger one is not read
     * @throws IOException it cannot be read, or is larger
     */
    public static byte[] read(Path file, long most) throws IOException {
        try (InputStream stream = Files.newInputStream(file)) {
            ByteArrayOutputStream content = new ByteArrayOutputStream(
                (int) Math.max(0, Math.min(Math.min(Files.size(file), most), Integer.MAX_VALUE - 16)));
            copy(stream, content, most);
            return content.toByteArray();
        }
    }

    /**
     * What is left of a stream, which is not closed.
     *
     * @param most bytes that it may have
     * @throws IOException it cannot be read, or has more
     */
    public static byte[] read(InputStream stream, long most) throws IOException {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        copy(stream, content, most);
        return content.toByteArray();
    }

    /**
     * Copies to the end of a stream.
     *
     * @param most bytes that it may have
     * @throws IOException it cannot be read or written, or has more
     */
    public static long copy(InputStream from, OutputStream to, long most) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long total = 0;
        for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
            total += read;
            if (total > most) {
                throw new TooLargeException(most);
            }
            to.write(buffer, 0, read);
        }
        return total;
    }

    /**
     * Puts a file there in one step: whoever reads it finds the old content or the new one, never a part.
     *
     * @throws IOException it cannot be written
     */
    public static void replace(Path file, byte[] content) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE,
                    StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer rest = ByteBuffer.wrap(content);
                while (rest.hasRemaining()) {
                    channel.write(rest);
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /**
     * Removes a file, or a folder with all that is in it; links are removed, not followed. What is not there is fine.
     *
     * @throws IOException something cannot be removed
     */
    public static void removeTree(Path root) throws IOException {
        if (Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> children = Files.newDirectoryStream(root)) {
                for (Path child : children) {
                    removeTree(child);
                }
            }
        }
        Files.deleteIfExists(root);
    }

    /** Why something with files failed, as a part of a sentence. */
    public static String reason(IOException error) {
        if (error instanceof NoSuchFileException) {
            return "it is not there";
        }
        if (error instanceof AccessDeniedException) {
            return "the system does not allow it";
        }
        if (error instanceof FileSystemException own && own.getReason() != null) {
            return own.getReason();
        }
        String message = error.getMessage();
        return message == null || message.isEmpty() ? error.getClass().getSimpleName() : message;
    }
}
