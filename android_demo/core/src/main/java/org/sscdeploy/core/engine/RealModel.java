package org.sscdeploy.core.engine;

import java.nio.file.Path;
import java.util.List;

/** A model whose integers stand for real numbers, which is given and gives those. */
public final class RealModel implements LoadedModel {
    private final LoadedModel model;
    private final TensorSpec input;
    private final TensorSpec output;

    private RealModel(LoadedModel model, TensorSpec input, TensorSpec output) {
        this.model = model;
        this.input = input;
        this.output = output;
    }

    /**
     * A model as one of real numbers; one of float32 stays what it is.
     *
     * @param model  of one input and one output; closing the result closes it
     * @param input  what its bundle says of the input
     * @param output what its bundle says of the output
     */
    public static LoadedModel of(LoadedModel model, TensorSpec input, TensorSpec output) {
        return input.steps().isPresent() || output.steps().isPresent() ? new RealModel(model, input, output) : model;
    }

    /** An engine that gives its models so, see {@link #of(LoadedModel, TensorSpec, TensorSpec)}. */
    public static Engine of(Engine engine, TensorSpec input, TensorSpec output) {
        if (!input.steps().isPresent() && !output.steps().isPresent()) {
            return engine;
        }
        return new Engine() {
            @Override
            public String id() {
                return engine.id();
            }

            @Override
            public String version() {
                return engine.version();
            }

            @Override
            public String format() {
                return engine.format();
            }

            @Override
            public LoadedModel load(Path file, EngineOptions options) throws EngineException {
                return of(engine.load(file, options), input, output);
            }
        };
    }

    @Override
    public List<TensorSpec> inputs() {
        return List.of(input);
    }

    @Override
    public List<TensorSpec> outputs() {
        return List.of(output);
    }

    @Override
    public void setInput(int index, Tensor value) throws EngineException {
        if (!input.steps().isPresent()) {
            model.setInput(index, value);
            return;
        }
        input.checkShape(value);
        model.setBytes(index, input.steps().get().integers(value.data(), input.isSigned()));
    }

    @Override
    public void run() throws EngineException {
        model.run();
    }

    @Override
    public Tensor output(int index) throws EngineException {
        if (!output.steps().isPresent()) {
            return model.output(index);
        }
        return new Tensor(output.steps().get().numbers(model.bytes(index), output.isSigned()), output.shape());
    }

    @Override
    public void close() {
        model.close();
    }
}
