package org.sscdeploy.core.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.sscdeploy.core.engine.Shapes;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.TooLargeException;

/** numpy's .npy files of plain numbers, little-endian and in C order. Nothing is unpickled. */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

    /** numpy writes headers of 118 bytes; longer ones are of structured types, which are not read. */
    private static final int MOST_HEADER = 4096;

    /** What numpy writes, key by key in its order; anything else is no plain array. */
    private static final Pattern HEADER = Pattern.compile(
        "\\{'descr': '([<>|=]?[A-Za-z][0-9]*)', 'fortran_order': (True|False), "
        + "'shape': \\(((?:[0-9]{1,10}, ?)*(?:[0-9]{1,10},?)?)\\),? ?\\}\\s*");

    private static final int ALIGNMENT = 64;

    private Npy() { }

    /**
     * Reads a file that anybody may have written.
     *
     * @param mostBytes a larger one is not read
     * @throws NpyException it is no such file, or too large
     */
    public static NpyArray read(Path file, long mostBytes) throws IOException, NpyException {
        try {
            return parse(SafeFiles.read(file, mostBytes));
        } catch (TooLargeException error) {
            throw new NpyException("is too large: " + error.getMessage());
        }
    }

    /**
     * Reads the content of a file.
     *
     * @throws NpyException it is no such content
     */
    public static NpyArray parse(byte[] content) throws NpyException {
        ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        var header = HEADER.matcher(header(buffer));
        if (!header.matches()) {
            throw new NpyException("is no plain array of numpy");
        }
        if (header.group(2).equals("True")) {
            throw new NpyException("is in Fortran order; save it with numpy.ascontiguousarray");
        }
        int[] shape = shape(header.group(3));
        String type = header.group(1);
        switch (type) {
            case "|u1":
                byte[] bytes = new byte[elements(buffer, shape, 1)];
                buffer.get(bytes);
                return NpyArray.of(bytes, shape);
            case "<f4":
                float[] floats = new float[elements(buffer, shape, Float.BYTES)];
                buffer.asFloatBuffer().get(floats);
                return NpyArray.of(floats, shape);
            case "<f8":
                double[] doubles = new double[elements(buffer, shape, Double.BYTES)];
                buffer.asDoubleBuffer().get(doubles);
                return NpyArray.of(doubles, shape);
            default:
                throw new NpyException("holds numbers of type " + type + "; only uint8, float32 and float64 are read");
        }
    }

    /** The content of a file that holds the array, as version 1.0 of numpy's format has it. */
    public static byte[] format(NpyArray array) {
        String type = array.dtype().equals("uint8") ? "|u1" : array.dtype().equals("float32") ? "<f4" : "<f8";
        int[] shape = array.shape();
        String sides = Arrays.toString(shape);
        String tuple = "(" + sides.substring(1, sides.length() - 1) + (shape.length == 1 ? ",)" : ")");
        StringBuilder text = new StringBuilder("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + tuple
            + ", }");
        int before = MAGIC.length + 4;
        while ((before + text.length() + 1) % ALIGNMENT != 0) {
            text.append(' ');
        }
        text.append('\n');
        int width = type.charAt(2) - '0';
        ByteBuffer buffer = ByteBuffer.allocate(before + text.length() + Math.multiplyExact(width, array.size()))
            .order(ByteOrder.LITTLE_ENDIAN);
        buffer.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) text.length());
        buffer.put(text.toString().getBytes(StandardCharsets.US_ASCII));
        array.putTo(buffer);
        return buffer.array();
    }

    private static String header(ByteBuffer buffer) throws NpyException {
        byte[] start = new byte[MAGIC.length + 2];
        if (buffer.remaining() < start.length + 4) {
            throw new NpyException("is cut off");
        }
        buffer.get(start);
        if (!Arrays.equals(Arrays.copyOf(start, MAGIC.length), MAGIC)) {
            throw new NpyException("is no file of numpy");
        }
        int version = start[MAGIC.length];
        if (version < 1 || version > 3) {
            throw new NpyException("is of version " + version + " of numpy's format, which is not known");
        }
        int length = version == 1 ? buffer.getShort() & 0xFFFF : buffer.getInt();
        if (length < 0 || length > MOST_HEADER || length > buffer.remaining()) {
            throw new NpyException("is cut off, or no plain array");
        }
        byte[] text = new byte[length];
        buffer.get(text);
        return new String(text, StandardCharsets.ISO_8859_1);
    }

    private static int[] shape(String sides) throws NpyException {
        String[] parts = sides.trim().isEmpty() ? new String[0] : sides.split(",\\s*");
        if (parts.length > 32) {
            throw new NpyException("has more axes than numpy allows");
        }
        int[] shape = new int[parts.length];
        try {
            for (int i = 0; i < parts.length; i++) {
                shape[i] = Integer.parseInt(parts[i].trim());
            }
        } catch (NumberFormatException error) {
            throw new NpyException("says that it is larger than it can be");
        }
        return shape;
    }

    /** How many values there are, which must be as many as there are bytes for. */
    private static int elements(ByteBuffer buffer, int[] shape, int width) throws NpyException {
        int elements;
        try {
            elements = Shapes.elements(shape);
        } catch (IllegalArgumentException | ArithmeticException error) {
            throw new NpyException("says that it is larger than it can be");
        }
        if ((long) elements * width != buffer.remaining()) {
            throw new NpyException("has " + buffer.remaining() + " bytes of values, where its shape "
                + Arrays.toString(shape) + " needs " + (long) elements * width);
        }
        return elements;
    }
}
