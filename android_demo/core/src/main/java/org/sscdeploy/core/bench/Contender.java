package org.sscdeploy.core.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.RealModel;
import org.sscdeploy.core.engine.Tensor;

/**
 * One model in one engine with its options, to be measured.
 *
 * @param name      for people
 * @param engine    that runs it; null where none takes the file, which becomes its failure
 * @param options   of the engine
 * @param file      the model
 * @param reference its golden set
 */
public record Contender(String name, Engine engine, EngineOptions options, Path file, ReferenceSource reference) {
    /** Reads the golden set when its turn comes, so that not all sets are in memory at once. */
    @FunctionalInterface
    public interface ReferenceSource {
        /** The golden set, or why it cannot be read. */
        GoldenReference read() throws EngineException;
    }

    /** A model of a bundle, with its golden set. */
    public static Contender of(String name, Bundle bundle, ModelEntry entry, Engine engine, EngineOptions options) {
        Engine real = RealModel.of(engine, entry.input(), entry.output());
        return new Contender(name, real, options, entry.path(), () -> reference(bundle, entry));
    }

    private static GoldenReference reference(Bundle bundle, ModelEntry entry) throws EngineException {
        try {
            var golden = bundle.golden();
            List<List<Tensor>> inputs = new ArrayList<>();
            List<List<double[]>> outputs = new ArrayList<>();
            for (int i = 0; i < golden.count(); i++) {
                inputs.add(List.of(golden.input(i, entry.layout())));
                outputs.add(List.<double[]>of(golden.output(i)));
            }
            return new GoldenReference(
                inputs, outputs, List.<int[]>of(entry.output().shape()), List.of(bundle.tolerance()));
        } catch (BundleException error) {
            throw new EngineException(FailureKind.FAILED, error.getMessage(), error);
        }
    }
}
