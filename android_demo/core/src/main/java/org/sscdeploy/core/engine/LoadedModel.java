package org.sscdeploy.core.engine;

import java.util.List;

/** A model in its runtime. It belongs to one thread at a time. */
public interface LoadedModel extends AutoCloseable {

    /** What it takes, in order. */
    List<TensorSpec> inputs();

    /** What it computes, in order. */
    List<TensorSpec> outputs();

    /**
     * Puts a value where the next {@link #run} finds it. The value is copied.
     *
     * @param index place in {@link #inputs}
     * @param value of the shape that the model takes
     * @throws EngineException it has another shape, or the model does not take float32
     */
    void setInput(int index, Tensor value) throws EngineException;

    /**
     * One inference on the inputs that were set: exactly what is timed.
     *
     * @throws EngineException the runtime fails
     */
    void run() throws EngineException;

    /**
     * What the last {@link #run} computed.
     *
     * @param index place in {@link #outputs}
     * @return a copy
     * @throws EngineException nothing was run, or the output is not float32
     */
    Tensor output(int index) throws EngineException;

    /**
     * Puts integers of 8 bits where the next {@link #run} finds them. They are copied.
     *
     * @param index  place in {@link #inputs}
     * @param values as many as the input has
     * @throws EngineException they are not as many, or the model does not take integers of 8 bits
     */
    default void setBytes(int index, byte[] values) throws EngineException {
        throw new EngineException(
            FailureKind.REFUSED, "its input " + inputs().get(index) + " cannot be given integers of 8 bits");
    }

    /**
     * The integers of 8 bits that the last {@link #run} computed.
     *
     * @param index place in {@link #outputs}
     * @return a copy
     * @throws EngineException nothing was run, or the output is of another type
     */
    default byte[] bytes(int index) throws EngineException {
        throw new EngineException(
            FailureKind.REFUSED, "its output " + outputs().get(index) + " holds no integers of 8 bits");
    }

    /** Gives back what the runtime holds; once closed it can do nothing any more. Closing again does nothing. */
    @Override
    void close();
}
