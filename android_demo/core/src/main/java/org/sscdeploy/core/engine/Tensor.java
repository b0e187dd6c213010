package org.sscdeploy.core.engine;

import java.util.Arrays;

/**
 * A float32 array with its shape, row-major. It does not copy what it is given, so that nothing is copied twice.
 *
 * @param data  the values, the last axis fastest; not copied
 * @param shape whose product is the number of values
 */
public record Tensor(float[] data, int... shape) {
    public Tensor {
        if (Shapes.elements(shape) != data.length) {
            throw new IllegalArgumentException(data.length + " values do not have the shape " + Arrays.toString(shape));
        }
        shape = shape.clone();
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
