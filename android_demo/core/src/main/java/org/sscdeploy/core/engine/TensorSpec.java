package org.sscdeploy.core.engine;

import java.util.Arrays;

/** One input or output of a model. Immutable. */
public final class TensorSpec {
    private final String name;
    private final int[] shape;
    private final String dtype;

    /**
     * Describes an input or output.
     *
     * @param name  that the file gives it
     * @param shape -1 for a side that is free
     * @param dtype numpy's name, e.g. {@code "float32"}
     */
    public TensorSpec(String name, int[] shape, String dtype) {
        this.name = name;
        this.shape = shape.clone();
        this.dtype = dtype;
    }

    /** The name that the file gives it. */
    public String name() {
        return name;
    }

    /** A copy of the shape; -1 for a side that is free. */
    public int[] shape() {
        return shape.clone();
    }

    /** numpy's name of the element type, e.g. {@code "float32"}. */
    public String dtype() {
        return dtype;
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
