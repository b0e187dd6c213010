package org.sscdeploy.core.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.parity.Distance;
import org.sscdeploy.core.parity.SliceError;

/** Whether a model reproduces its golden outputs; one that does not is not timed. */
final class GoldenCheck {
    private GoldenCheck() { }

    /** Outputs of the model for every golden inference. */
    static List<List<Tensor>> replay(LoadedModel model, GoldenReference golden, Cancellation cancellation)
            throws EngineException, CancelledException {
        List<List<Tensor>> outputs = new ArrayList<>();
        for (List<Tensor> inputs : golden.inputs()) {
            cancellation.check();
            feed(model, inputs);
            model.run();
            List<Tensor> own = new ArrayList<>();
            for (int i = 0; i < model.outputs().size(); i++) {
                own.add(model.output(i));
            }
            outputs.add(own);
        }
        return outputs;
    }

    static void feed(LoadedModel model, List<Tensor> inputs) throws EngineException {
        if (inputs.size() != model.inputs().size()) {
            throw new EngineException(FailureKind.FAILED, "it takes " + model.inputs().size()
                + " inputs, and its golden set has " + inputs.size());
        }
        for (int i = 0; i < inputs.size(); i++) {
            model.setInput(i, inputs.get(i));
        }
    }

    /** Distance of each output over all inferences together. */
    static List<Distance> errors(List<List<Tensor>> outputs, GoldenReference golden) throws EngineException {
        List<String> found = outputs.get(0).stream()
            .map(output -> Arrays.toString(output.shape())).collect(Collectors.toList());
        List<String> expected = golden.outputShapes().stream().map(Arrays::toString).collect(Collectors.toList());
        if (!found.equals(expected)) {
            throw new EngineException(FailureKind.WRONG_ANSWER,
                "it computes outputs of " + found + ", and " + expected + " was expected");
        }
        List<Distance> errors = new ArrayList<>();
        for (int k = 0; k < expected.size(); k++) {
            int size = outputs.get(0).get(k).data().length;
            double[] differences = new double[size * outputs.size()];
            for (int r = 0; r < outputs.size(); r++) {
                double[] own = differences(outputs, golden, r, k);
                System.arraycopy(own, 0, differences, r * size, size);
            }
            errors.add(Distance.of(differences));
        }
        return errors;
    }

    private static double[] differences(List<List<Tensor>> outputs, GoldenReference golden, int inference, int output) {
        return Distance.differences(
            outputs.get(inference).get(output).data(), golden.outputs().get(inference).get(output));
    }

    /** Whether the slices are within bounds of their own, in outputs of the shapes that were expected. */
    static void checkSlices(List<List<Tensor>> outputs, GoldenReference golden) throws EngineException {
        for (int k = 0; k < golden.bounds().size(); k++) {
            int[] shape = golden.outputShapes().get(k);
            Tolerance bound = golden.bounds().get(k);
            if (!bound.fits(shape)) {
                throw new EngineException(FailureKind.WRONG_ANSWER,
                    "the bounds of output " + k + " are not of its shape " + Arrays.toString(shape));
            }
            for (int r = 0; r < outputs.size(); r++) {
                var worst = SliceError.worst(differences(outputs, golden, r, k), shape, bound);
                if (worst.isPresent()) {
                    throw new EngineException(FailureKind.WRONG_ANSWER, String.format(Locale.ROOT,
                        "output %d is off by max %.2e (allowed %.2e) at index %d of axis %d",
                        k, worst.get().error(), worst.get().bound(), worst.get().index(), worst.get().axis()));
                }
            }
        }
    }

    static void checkBounds(List<Distance> errors, List<Tolerance> bounds) throws EngineException {
        if (errors.size() != bounds.size() || errors.isEmpty()) {
            throw new EngineException(FailureKind.WRONG_ANSWER,
                "it has " + errors.size() + " outputs, and there are bounds for " + bounds.size());
        }
        for (int k = 0; k < errors.size(); k++) {
            Distance error = errors.get(k);
            Tolerance bound = bounds.get(k);
            if (!error.isFinite()) {
                throw new EngineException(FailureKind.WRONG_ANSWER, "output " + k + " holds NaN or Inf");
            }
            if (error.max() > bound.max() || error.rms() > bound.rms()) {
                throw new EngineException(FailureKind.WRONG_ANSWER, String.format(Locale.ROOT,
                    "output %d is off by max %.2e (allowed %.2e), rms %.2e (allowed %.2e)",
                    k, error.max(), bound.max(), error.rms(), bound.rms()));
            }
        }
    }
}
