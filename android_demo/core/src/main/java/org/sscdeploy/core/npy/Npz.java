package org.sscdeploy.core.npy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Calendar;
import java.util.Collections;
import java.util.GregorianCalendar;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.TooLargeException;

/** numpy's .npz files: archives of .npy files. */
public final class Npz {
    private static final String SUFFIX = ".npy";

    /** A day that every archive knows, in local time as archives have it: the same arrays give the same bytes. */
    private static final Calendar NO_TIME = new GregorianCalendar(1980, Calendar.FEBRUARY, 1);

    private Npz() { }

    /**
     * Reads a file that anybody may have written.
     *
     * @param mostBytes of all arrays together; one that holds more is not read
     * @return the arrays by their names, in the order of the archive
     * @throws NpyException it is no such file, or holds too much
     */
    public static Map<String, NpyArray> read(Path file, long mostBytes) throws IOException, NpyException {
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        long left = mostBytes;
        try (ZipFile archive = new ZipFile(file.toFile())) {
            for (ZipEntry entry : Collections.list(archive.entries())) {
                String name = entry.getName();
                if (!name.endsWith(SUFFIX)) {
                    throw new NpyException("holds what is no array");
                }
                byte[] content;
                try (var stream = archive.getInputStream(entry)) {
                    content = SafeFiles.read(stream, left); // counted, since what the archive says may be wrong
                }
                left -= content.length;
                String key = name.substring(0, name.length() - SUFFIX.length());
                if (arrays.put(key, Npy.parse(content)) != null) {
                    throw new NpyException("holds one array twice");
                }
            }
        } catch (TooLargeException error) {
            throw new NpyException("holds too much: more than " + mostBytes + " bytes");
        } catch (ZipException | IllegalArgumentException error) {
            throw new NpyException("is damaged: " + error.getMessage());
        }
        return Collections.unmodifiableMap(arrays);
    }

    /** The content of a file that holds the arrays, not compressed; the same for the same arrays. */
    public static byte[] format(Map<String, NpyArray> arrays) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        try (ZipOutputStream archive = new ZipOutputStream(content)) {
            archive.setMethod(ZipOutputStream.STORED);
            for (Map.Entry<String, NpyArray> array : arrays.entrySet()) {
                byte[] bytes = Npy.format(array.getValue());
                CRC32 sum = new CRC32();
                sum.update(bytes);
                ZipEntry entry = new ZipEntry(array.getKey() + SUFFIX);
                entry.setTime(NO_TIME.getTimeInMillis());
                entry.setSize(bytes.length);
                entry.setCrc(sum.getValue());
                archive.putNextEntry(entry);
                archive.write(bytes);
                archive.closeEntry();
            }
        } catch (IOException error) {
            throw new IllegalStateException("memory can always be written to", error);
        }
        return content.toByteArray();
    }
}
