package org.sscdeploy.core.parity;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.bundle.BundleLimits;
import org.sscdeploy.core.bundle.DebugBlock;
import org.sscdeploy.core.bundle.DebugInfo;
import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.RealModel;
import org.sscdeploy.core.engine.TensorSpec;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.NpyException;
import org.sscdeploy.core.npy.Npz;
import org.sscdeploy.core.picture.Preprocessor;

/** Runs the golden set on this device, and compares with the network in float64. */
public final class GoldenReplay {
    private GoldenReplay() { }

    /**
     * Replays every golden picture.
     *
     * @param model {@code entry} in its runtime
     * @throws EngineException    the runtime fails, or the model takes or computes other shapes than the bundle says
     * @throws BundleException    the golden files changed
     */
    public static ParityReport run(Bundle bundle, LoadedModel model, ModelEntry entry, Progress progress,
            Cancellation cancellation) throws EngineException, BundleException, CancelledException {
        checkShape(model.inputs(), entry.input(), entry.file() + " takes ");
        checkShape(model.outputs(), entry.output(), entry.file() + " computes ");
        try {
            return replayed(bundle, RealModel.of(model, entry.input(), entry.output()), entry, progress, cancellation);
        } catch (OutOfMemoryError error) {
            throw new EngineException(FailureKind.FAILED,
                "memory ran out while the golden set was replayed; close other apps, or take a smaller model", error);
        }
    }

    private static ParityReport replayed(Bundle bundle, LoadedModel model, ModelEntry entry, Progress progress,
            Cancellation cancellation) throws EngineException, BundleException, CancelledException {
        var golden = bundle.golden();
        Preprocessor preprocessor = new Preprocessor(bundle.manifest().preprocessing());
        int classes = bundle.manifest().labels().size();
        double[] differences = new double[golden.count() * classes];
        List<PictureResult> pictures = new ArrayList<>();
        OptionalInt preprocessingDiffers = OptionalInt.empty();
        Optional<SliceError> output = Optional.empty();
        for (int i = 0; i < golden.count(); i++) {
            cancellation.check();
            progress.report("picture " + (i + 1) + " of " + golden.count(), i, golden.count());
            var input = golden.input(i, entry.layout());
            if (!preprocessingDiffers.isPresent() && !Arrays.equals(
                    preprocessor.normalise(golden.pixels(i), entry.layout()).data(), input.data())) {
                preprocessingDiffers = OptionalInt.of(i);
            }
            model.setInput(0, input);
            model.run();
            double[] own = difference(model.output(0).data(), golden.output(i), entry.file());
            System.arraycopy(own, 0, differences, i * classes, classes);
            Distance distance = Distance.of(own);
            Optional<SliceError> slice = SliceError.worst(own, entry.output().shape(), bundle.tolerance());
            output = output.isPresent() ? output : slice;
            pictures.add(new PictureResult(i, distance.max(), distance.rms(),
                distance.max() <= bundle.tolerance().max() && !slice.isPresent()));
        }
        progress.report("compared " + golden.count() + " pictures", golden.count(), golden.count());
        return report(pictures, Distance.of(differences), bundle.tolerance(), preprocessingDiffers, output);
    }

    private static ParityReport report(List<PictureResult> pictures, Distance all, Tolerance allowed,
            OptionalInt preprocessingDiffers, Optional<SliceError> output) {
        boolean passed = all.max() <= allowed.max() && all.rms() <= allowed.rms() && !output.isPresent();
        OptionalInt failing = OptionalInt.empty();
        if (!passed) {
            // Where rms alone is outside, so is that of at least one picture.
            failing = pictures.stream()
                .filter(one -> !one.within()
                    || all.max() <= allowed.max() && !output.isPresent() && one.rms() > allowed.rms())
                .mapToInt(PictureResult::index).findFirst();
        }
        return new ParityReport(Collections.unmodifiableList(pictures), all.max(), all.rms(), allowed,
            passed ? Verdict.PASSED : Verdict.FAILED, failing, preprocessingDiffers, Optional.empty(), output);
    }

    /**
     * The first block of a debug bundle whose output is outside of its tolerance.
     *
     * @param bundle with a debug part
     * @param blocks the model of the debug part in ONNX Runtime
     * @return empty where every block is within
     * @throws EngineException    the runtime fails, or the model has other outputs than the bundle says
     * @throws BundleException    there is no debug part, or its files are not what it says
     */
    public static Optional<BlockResult> firstDiverging(Bundle bundle, LoadedModel blocks, Progress progress,
            Cancellation cancellation) throws EngineException, BundleException, CancelledException {
        DebugInfo debug = bundle.manifest().debug().orElseThrow(() -> new BundleException(
            "this bundle does not hold what its blocks compute; make one with: ssc-deploy bundle --debug"));
        Map<String, NpyArray> values = values(debug);
        blocks.setInput(0, bundle.golden().input(debug.picture(), Layout.NCHW));
        blocks.run();
        int count = debug.blocks().size();
        for (int i = 0; i < count; i++) {
            cancellation.check();
            DebugBlock block = debug.blocks().get(i);
            progress.report(block.name(), i, count);
            var computed = blocks.output(place(blocks, block));
            Tolerance allowed = block.tolerance();
            if (!allowed.fits(computed.shape())) {
                throw new BundleException("the bounds of block " + block.name() + " are not of its shape "
                    + Arrays.toString(computed.shape()) + "; make the bundle again");
            }
            double[] differences = difference(computed.data(), reference(values, i), block.name());
            Distance distance = Distance.of(differences);
            Optional<SliceError> slice = SliceError.worst(differences, computed.shape(), allowed);
            if (!(distance.max() <= allowed.max() && distance.rms() <= allowed.rms()) || slice.isPresent()) {
                return Optional.of(new BlockResult(i, block.name(), distance.max(), distance.rms(), allowed, slice));
            }
        }
        return Optional.empty();
    }

    private static Map<String, NpyArray> values(DebugInfo debug) throws BundleException {
        try {
            return Npz.read(debug.values(), BundleLimits.MOST_BLOCK_VALUES);
        } catch (NpyException error) {
            throw new BundleException("the file of the blocks' values " + error.getMessage(), error);
        } catch (IOException error) {
            throw new BundleException(
                "the file of the blocks' values cannot be read: " + SafeFiles.reason(error), error);
        } catch (OutOfMemoryError error) {
            throw new BundleException("memory ran out while the blocks' values were read; close other apps", error);
        }
    }

    private static double[] reference(Map<String, NpyArray> values, int block) throws BundleException {
        NpyArray reference = values.get("block." + block);
        if (reference == null) {
            throw new BundleException("the values of block " + block + " are missing; make the bundle again");
        }
        try {
            return reference.doubles();
        } catch (NpyException error) {
            throw new BundleException("the array of block " + block + " " + error.getMessage(), error);
        }
    }

    private static int place(LoadedModel model, DebugBlock block) throws EngineException {
        for (int i = 0; i < model.outputs().size(); i++) {
            if (model.outputs().get(i).name().equals(block.output())) {
                return i;
            }
        }
        throw new EngineException(FailureKind.WRONG_ANSWER, "the debug model has no output " + block.output());
    }

    private static void checkShape(List<TensorSpec> found, TensorSpec said, String what) throws EngineException {
        boolean fits = found.size() == 1 && found.get(0).dtype().equals(said.dtype())
            && Arrays.equals(found.get(0).shape(), said.shape());
        if (!fits) {
            throw new EngineException(FailureKind.WRONG_ANSWER, what + found + ", and its bundle says " + said
                + "; make the bundle again");
        }
    }

    private static double[] difference(float[] output, double[] reference, String of) throws EngineException {
        if (output.length != reference.length) {
            throw new EngineException(FailureKind.WRONG_ANSWER,
                of + " computes " + output.length + " values, and " + reference.length + " were expected");
        }
        return Distance.differences(output, reference);
    }
}
