package org.sscdeploy.core.bench;

import java.util.List;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.Tensor;

/**
 * Inputs of a model with what it should compute for them.
 *
 * @param inputs       of each inference, in the order of the model's inputs; at least one inference
 * @param outputs      of each inference, in the order of the model's outputs, flat
 * @param outputShapes of each output
 * @param bounds       of each output, over all inferences together
 */
public record GoldenReference(List<List<Tensor>> inputs, List<List<double[]>> outputs, List<int[]> outputShapes,
        List<Tolerance> bounds) {
    public GoldenReference {
        if (inputs.isEmpty() || inputs.size() != outputs.size()) {
            throw new IllegalArgumentException("a golden set has an output for each input, and at least one");
        }
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        outputShapes = List.copyOf(outputShapes);
        bounds = List.copyOf(bounds);
    }
}
