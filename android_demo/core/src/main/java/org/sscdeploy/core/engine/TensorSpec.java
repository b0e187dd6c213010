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

    /**
     * Refuses what cannot be given to this input.
     *
     * @throws EngineException the value has another shape, or the model does not take float32
     */
    public void check(Tensor value) throws EngineException {
        if (!dtype.equals("float32")) {
            throw new EngineException(
                FailureKind.REFUSED, "its input " + this + " cannot be given; the app runs models of float32");
        }
        int[] given = value.shape();
        boolean fits = given.length == shape.length;
        for (int i = 0; fits && i < given.length; i++) {
            fits = shape[i] < 0 || shape[i] == given[i];
        }
        if (!fits) {
            throw new EngineException(FailureKind.FAILED, "it takes " + this + ", and was given " + value);
        }
    }

    @Override
    public String toString() {
        return name + ": " + dtype + " " + Arrays.toString(shape);
    }
}
