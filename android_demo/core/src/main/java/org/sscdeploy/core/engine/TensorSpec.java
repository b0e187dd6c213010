package org.sscdeploy.core.engine;

import java.util.Arrays;

/**
 * One input or output of a model.
 *
 * @param name  that the file gives it
 * @param shape -1 for a side that is free
 * @param dtype numpy's name, e.g. {@code "float32"}
 */
public record TensorSpec(String name, int[] shape, String dtype) {
    public TensorSpec {
        shape = shape.clone();
    }

    /** A copy of the shape; -1 for a side that is free. */
    public int[] shape() {
        return shape.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorSpec && other.toString().equals(toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }

    @Override
    public String toString() {
        return name + ": " + dtype + " " + Arrays.toString(shape);
    }
}
