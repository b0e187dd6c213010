package org.sscdeploy.core.engine;

import java.util.Arrays;

/** A float32 array with its shape, row-major. It does not copy what it is given, so that nothing is copied twice. */
public final class Tensor {
    private final float[] data;
    private final int[] shape;

    /**
     * Puts a shape to values.
     *
     * @param data  the values, the last axis fastest; not copied
     * @param shape whose product is the number of values
     * @throws IllegalArgumentException it is not
     */
    public Tensor(float[] data, int... shape) {
        if (Shapes.elements(shape) != data.length) {
            throw new IllegalArgumentException(
                data.length + " values do not have the shape " + Arrays.toString(shape));
        }
        this.data = data;
        this.shape = shape.clone();
    }

    /** The values themselves, the last axis fastest; not a copy. */
    public float[] data() {
        return data;
    }

    /** A copy of the shape. */
    public int[] shape() {
        return shape.clone();
    }

    @Override
    public String toString() {
        return "float32 " + Arrays.toString(shape);
    }
}
