package org.sscdeploy.core.npy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.sscdeploy.core.engine.Shapes;

/**
 * An array of numpy in memory, row-major: uint8, float32 or float64. It does not copy what it is given; an
 * {@link NpyException} says that it is of another type than is asked for.
 */
public final class NpyArray {
    private final Object data;
    private final int[] shape;
    private final int size;

    private NpyArray(Object data, int size, int[] shape) {
        if (Shapes.elements(shape) != size) {
            throw new IllegalArgumentException(size + " values do not have the shape " + Arrays.toString(shape));
        }
        this.data = data;
        this.size = size;
        this.shape = shape.clone();
    }

    /** A uint8 array. */
    public static NpyArray of(byte[] data, int... shape) {
        return new NpyArray(data, data.length, shape);
    }

    /** A float32 array. */
    public static NpyArray of(float[] data, int... shape) {
        return new NpyArray(data, data.length, shape);
    }

    /** A float64 array. */
    public static NpyArray of(double[] data, int... shape) {
        return new NpyArray(data, data.length, shape);
    }

    /** numpy's name: {@code "uint8"}, {@code "float32"} or {@code "float64"}. */
    public String dtype() {
        return data instanceof byte[] ? "uint8" : data instanceof float[] ? "float32" : "float64";
    }

    /** A copy of the shape. */
    public int[] shape() {
        return shape.clone();
    }

    /** How many values. */
    public int size() {
        return size;
    }

    /** The values of a uint8 array themselves. */
    public byte[] bytes() throws NpyException {
        return is("uint8", byte[].class);
    }

    /** The values of a float32 array themselves. */
    public float[] floats() throws NpyException {
        return is("float32", float[].class);
    }

    /** The values of a float64 array themselves. */
    public double[] doubles() throws NpyException {
        return is("float64", double[].class);
    }

    /** Writes all values into a buffer, in its byte order. */
    void putTo(ByteBuffer buffer) {
        if (data instanceof byte[] bytes) {
            buffer.put(bytes);
        } else if (data instanceof float[] floats) {
            buffer.asFloatBuffer().put(floats);
        } else {
            buffer.asDoubleBuffer().put((double[]) data);
        }
    }

    private <T> T is(String name, Class<T> kind) throws NpyException {
        if (!kind.isInstance(data)) {
            throw new NpyException("is of " + dtype() + ", not " + name);
        }
        return kind.cast(data);
    }

    @Override
    public String toString() {
        return dtype() + " " + Arrays.toString(shape);
    }
}
