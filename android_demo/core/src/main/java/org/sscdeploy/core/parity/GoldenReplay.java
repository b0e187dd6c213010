package org.sscdeploy.core.parity;

import java.util.Optional;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.LoadedModel;

/** Runs the golden set on this device, and compares with the network in float64. */
public final class GoldenReplay {
    private GoldenReplay() { }

    /**
     * Replays every golden picture.
     *
     * @param bundle       with the golden set
     * @param model        {@code entry} in its runtime
     * @param entry        which model of the bundle it is
     * @param progress     hears of every picture
     * @param cancellation asked before every picture
     * @throws EngineException    the runtime fails, or the model takes or computes other shapes than the bundle says
     * @throws BundleException    the golden files changed
     * @throws CancelledException it was cancelled
     */
    public static ParityReport run(Bundle bundle, LoadedModel model, ModelEntry entry, Progress progress,
            Cancellation cancellation) throws EngineException, BundleException, CancelledException {
        throw new UnsupportedOperationException();
    }

    /**
     * The first block of a debug bundle whose output is outside of its tolerance.
     *
     * @param bundle       with a debug part
     * @param blocks       the model of {@code bundle.debug()} in ONNX Runtime
     * @param progress     hears of it
     * @param cancellation asked before every block
     * @return empty where every block is within
     * @throws EngineException    the runtime fails, or the model has other outputs than the bundle says
     * @throws BundleException    there is no debug part, or its files are not what it says
     * @throws CancelledException it was cancelled
     */
    public static Optional<BlockResult> firstDiverging(Bundle bundle, LoadedModel blocks, Progress progress,
            Cancellation cancellation) throws EngineException, BundleException, CancelledException {
        throw new UnsupportedOperationException();
    }
}
