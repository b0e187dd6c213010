package org.sscdeploy.core.npy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** numpy's .npz files: archives of .npy files. */
public final class Npz {
    private Npz() { }

    /**
     * Reads a file that anybody may have written.
     *
     * @param file      the file
     * @param mostBytes of all arrays together; one that holds more is not read
     * @return the arrays by their names, in the order of the archive
     * @throws IOException  it cannot be read
     * @throws NpyException it is no such file, or holds too much
     */
    public static Map<String, NpyArray> read(Path file, long mostBytes) throws IOException, NpyException {
        throw new UnsupportedOperationException();
    }

    /** The content of a file that holds the arrays, not compressed; the same for the same arrays. */
    public static byte[] format(Map<String, NpyArray> arrays) {
        throw new UnsupportedOperationException();
    }
}
