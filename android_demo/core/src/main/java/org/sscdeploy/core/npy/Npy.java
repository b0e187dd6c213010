package org.sscdeploy.core.npy;

import java.io.IOException;
import java.nio.file.Path;

/** numpy's .npy files of plain numbers, little-endian and in C order. Nothing is unpickled. */
public final class Npy {
    private Npy() { }

    /**
     * Reads a file that anybody may have written.
     *
     * @param file      the file
     * @param mostBytes a larger one is not read
     * @throws IOException  it cannot be read
     * @throws NpyException it is no such file, or too large
     */
    public static NpyArray read(Path file, long mostBytes) throws IOException, NpyException {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads the content of a file.
     *
     * @throws NpyException it is no such content
     */
    public static NpyArray parse(byte[] content) throws NpyException {
        throw new UnsupportedOperationException();
    }

    /** The content of a file that holds the array, as numpy 1.0's format has it. */
    public static byte[] format(NpyArray array) {
        throw new UnsupportedOperationException();
    }
}
