package org.sscdeploy.core.engine;

import java.util.Arrays;
import java.util.Optional;

/**
 * One input or output of a model.
 *
 * @param name  that the file gives it
 * @param shape -1 for a side that is free
 * @param dtype numpy's name, e.g. {@code "float32"}
 * @param steps what its integers stand for, where a bundle says so
 */
public record TensorSpec(String name, int[] shape, String dtype, Optional<Steps> steps) {
    public TensorSpec {
        shape = shape.clone();
    }

    /** One whose numbers are what they are. */
    public TensorSpec(String name, int[] shape, String dtype) {
        this(name, shape, dtype, Optional.empty());
    }

    /** Whether integers are from -128 to 127, or else from 0 to 255. */
    public boolean isSigned() {
        return dtype.equals("int8");
    }

    /** Refuses integers of 8 bits that cannot be given to this input. */
    public void check(byte[] values) throws EngineException {
        if (!dtype.equals("int8") && !dtype.equals("uint8")) {
            throw new EngineException(
                FailureKind.REFUSED, "its input " + this + " cannot be given integers of 8 bits");
        }
        if (Arrays.stream(shape).anyMatch(side -> side < 0) || Shapes.elements(shape) != values.length) {
            throw new EngineException(
                FailureKind.FAILED, "it takes " + this + ", and was given " + values.length + " integers");
        }
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
        checkShape(value);
    }

    /**
     * Refuses a value of another shape.
     *
     * @throws EngineException it has one
     */
    public void checkShape(Tensor value) throws EngineException {
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
