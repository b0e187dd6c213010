package org.sscdeploy.core.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.Tensor;

/** Inputs of a model with what it should compute for them. Immutable. */
public final class GoldenReference {
    private final List<List<Tensor>> inputs;
    private final List<List<double[]>> outputs;
    private final List<int[]> outputShapes;
    private final List<Tolerance> bounds;

    /**
     * Puts them together.
     *
     * @param inputs       of each inference, in the order of the model's inputs; at least one inference
     * @param outputs      of each inference, in the order of the model's outputs, flat
     * @param outputShapes of each output
     * @param bounds       of each output, over all inferences together
     */
    public GoldenReference(List<List<Tensor>> inputs, List<List<double[]>> outputs, List<int[]> outputShapes,
            List<Tolerance> bounds) {
        if (inputs.isEmpty() || inputs.size() != outputs.size()) {
            throw new IllegalArgumentException("a golden set has an output for each input, and at least one");
        }
        this.inputs = Collections.unmodifiableList(new ArrayList<>(inputs));
        this.outputs = Collections.unmodifiableList(new ArrayList<>(outputs));
        this.outputShapes = Collections.unmodifiableList(new ArrayList<>(outputShapes));
        this.bounds = Collections.unmodifiableList(new ArrayList<>(bounds));
    }

    /** Of each inference, in the order of the model's inputs. */
    public List<List<Tensor>> inputs() {
        return inputs;
    }

    /** Of each inference, in the order of the model's outputs, flat. */
    public List<List<double[]>> outputs() {
        return outputs;
    }

    /** Shape of each output. */
    public List<int[]> outputShapes() {
        return outputShapes;
    }

    /** Of each output, over all inferences together. */
    public List<Tolerance> bounds() {
        return bounds;
    }
}
