package org.sscdeploy.core.parity;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bundle.AxisBound;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.bundle.TestBundle;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.ScriptedEngine;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.engine.TensorSpec;

public class GoldenReplayTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    @Test
    public void aModelThatComputesTheReferencePasses() throws Exception {
        ParityReport report = replay(new TestBundle("Net"));
        assertEquals(Verdict.PASSED, report.verdict());
        assertEquals(TestBundle.COUNT, report.pictures().size());
        assertEquals(0, report.max(), 0);
        assertFalse(report.firstFailing().isPresent());
        assertFalse(report.preprocessingDiffers().isPresent());
    }

    @Test
    public void theFirstPictureOutsideIsNamedWithItsError() throws Exception {
        TestBundle bundle = new TestBundle("Net").withInput(5, 0, 1).withOutput(5, 0, 1.25).withInput(9, 0, 1)
            .withOutput(9, 0, 1.5);
        ParityReport report = replay(bundle);
        assertEquals(Verdict.FAILED, report.verdict());
        assertEquals(5, report.firstFailing().getAsInt());
        assertEquals(0.25, report.pictures().get(5).max(), 0);
        assertEquals(0.125, report.pictures().get(5).rms(), 1e-15);
        assertFalse(report.pictures().get(5).within());
        assertTrue(report.pictures().get(6).within());
        assertEquals(0.5, report.max(), 0);
        assertEquals(Math.sqrt((0.0625 + 0.25) / 64), report.rms(), 1e-15);
    }

    @Test
    public void whereTheMeanAloneIsOutsideAPictureThatRaisesItIsNamed() throws Exception {
        TestBundle bundle = new TestBundle("Net").withInput(7, 2, 1).withOutput(7, 2, 1.25);
        bundle.modelJson.getAsJsonObject("golden").add("tolerance", JsonParser.parseString("{'max': 1, 'rms': 0.001}"));
        ParityReport report = replay(bundle);
        assertEquals(Verdict.FAILED, report.verdict());
        assertTrue(report.pictures().get(7).within());
        assertEquals(7, report.firstFailing().getAsInt());
    }

    @Test
    public void anOutputOutsideOfItsOwnBoundFailsThoughTheLargestErrorPasses() throws Exception {
        TestBundle bundle = new TestBundle("Net").withInput(5, 0, 1).withOutput(5, 0, 1.25)
            .withInput(9, 2, 1).withOutput(9, 2, 1.25);
        bundle.modelJson.getAsJsonObject("golden").add("tolerance",
            JsonParser.parseString("{'max': 1, 'rms': 1, 'axes': [{'axis': 1, 'max': [1, 1, 0.1, 1]}]}"));
        ParityReport report = replay(bundle);
        assertEquals(Verdict.FAILED, report.verdict());
        assertEquals(9, report.firstFailing().getAsInt());
        assertTrue(report.pictures().get(5).within());
        assertEquals(2, report.output().get().index());
        assertEquals(0.25, report.output().get().error(), 0);
        assertEquals(0.1, report.output().get().bound(), 0);
    }

    @Test
    public void preprocessingThatDiffersIsNamedThoughTheModelPasses() throws Exception {
        ParityReport report = replay(new TestBundle("Net").withInput(4, 3, 0.123f));
        assertEquals(Verdict.PASSED, report.verdict());
        assertEquals(4, report.preprocessingDiffers().getAsInt());
    }

    @Test
    public void anOutputThatIsNotANumberFails() throws Exception {
        Bundle bundle = open(new TestBundle("Net"));
        ParityReport report = GoldenReplay.run(bundle, new Fixed("output", new float[] {Float.NaN, 0, 0, 0}),
            bundle.manifest().models().get(0), Progress.NONE, Cancellation.NEVER);
        assertEquals(Verdict.FAILED, report.verdict());
        assertEquals(0, report.firstFailing().getAsInt());
        assertEquals(Double.POSITIVE_INFINITY, report.max(), 0);
    }

    @Test
    public void aModelOfAnotherShapeThanItsBundleSaysIsRefusedBeforeItRuns() throws Exception {
        Bundle bundle = open(new TestBundle("Net"));
        EngineException error = assertThrows(EngineException.class, () -> GoldenReplay.run(bundle,
            new Fixed("output", new float[5]), bundle.manifest().models().get(0), Progress.NONE, Cancellation.NEVER));
        assertEquals(FailureKind.WRONG_ANSWER, error.kind());
        assertEquals("model.onnx computes [output: float32 [1, 5]], and its bundle says output: float32 [1, 4]; make "
            + "the bundle again", error.getMessage());
    }

    @Test
    public void itCanBeCancelledBetweenPicturesAndTellsHowFarItIs() throws Exception {
        Bundle bundle = open(new TestBundle("Net"));
        ScriptedEngine engine = new ScriptedEngine();
        List<String> heard = new ArrayList<>();
        assertThrows(CancelledException.class, () -> GoldenReplay.run(bundle,
            engine.load(bundle.manifest().models().get(0).path(), EngineOptions.DEFAULT), bundle.manifest().models().get(0),
            (line, done, total) -> heard.add(line + ": " + done + "/" + total), () -> heard.size() == 2));
        assertEquals("[picture 1 of 16: 0/16, picture 2 of 16: 1/16]", heard.toString());
    }

    @Test
    public void theFirstBlockThatDivergesIsNamed() throws Exception {
        Bundle bundle = open(new TestBundle("Net").withDebug(1, 2, 3));
        Optional<BlockResult> block = diverging(bundle, 1.05f, 2.5f, 4f);
        assertEquals("body.1", block.get().name());
        assertEquals(1, block.get().index());
        assertEquals(0.5, block.get().max(), 0);
        assertEquals(0.1, block.get().tolerance().max(), 0);
        assertFalse(diverging(bundle, 1, 2, 3).isPresent());
        assertEquals(2, diverging(bundle, 1, 2, Float.NaN).get().index());
    }

    @Test
    public void aBlockOutsideOfTheBoundOfAChannelIsNamedWithThatBound() throws Exception {
        TestBundle bundle = new TestBundle("Net").withDebug(1, 2);
        bundle.modelJson.getAsJsonObject("debug").getAsJsonArray("blocks").get(1).getAsJsonObject()
            .add("axes", JsonParser.parseString("[{'axis': 1, 'max': [0.01]}]"));
        BlockResult block = diverging(open(bundle), 1.05f, 2.0625f).get();
        assertEquals("body.1", block.name());
        assertEquals(0.0625, block.slice().get().error(), 0);
        assertEquals(0.01, block.slice().get().bound(), 0);
    }

    @Test
    public void boundsThatAreNotOfTheBlocksShapeAreRefused() throws Exception {
        TestBundle bundle = new TestBundle("Net").withDebug(1);
        bundle.modelJson.getAsJsonObject("debug").getAsJsonArray("blocks").get(0).getAsJsonObject()
            .add("axes", JsonParser.parseString("[{'axis': 1, 'max': [1, 1]}]"));
        Bundle opened = open(bundle);
        assertEquals("the bounds of block body.0 are not of its shape [1, 1]; make the bundle again",
            assertThrows(BundleException.class, () -> diverging(opened, 1)).getMessage());
    }

    @Test
    public void theWorstSliceIsFoundAlongEachAxis() {
        double[] differences = {0, 0, 0, 0, 0.5, 0, 0, -3, 0, 0, 0, 0};
        int[] shape = {1, 3, 2, 2};
        Tolerance channels = new Tolerance(9, 9, new AxisBound(1, 9, 1, 9));
        SliceError worst = SliceError.worst(differences, shape, channels).get();
        assertEquals("1 1 3.0 1.0", worst.axis() + " " + worst.index() + " " + worst.error() + " " + worst.bound());
        Tolerance columns = new Tolerance(9, 9, new AxisBound(1, 9, 9, 9), new AxisBound(3, 0.01, 2));
        worst = SliceError.worst(differences, shape, columns).get();
        assertEquals("3 0 0.5 0.01", worst.axis() + " " + worst.index() + " " + worst.error() + " " + worst.bound());
        assertFalse(SliceError.worst(differences, shape, new Tolerance(0, 0)).isPresent());
    }

    @Test
    public void aBundleWithoutBlocksSaysHowToMakeOne() throws Exception {
        Bundle bundle = open(new TestBundle("Net"));
        assertEquals("this bundle does not hold what its blocks compute; make one with: ssc-deploy bundle --debug",
            assertThrows(BundleException.class, () -> diverging(bundle, 1)).getMessage());
    }

    private static Optional<BlockResult> diverging(Bundle bundle, float... values) throws Exception {
        return GoldenReplay.firstDiverging(bundle, new Fixed(null, values), Progress.NONE, Cancellation.NEVER);
    }

    private ParityReport replay(TestBundle bundle) throws Exception {
        Bundle opened = open(bundle);
        ModelEntry entry = opened.manifest().models().get(0);
        try (LoadedModel model = new ScriptedEngine().load(entry.path(), EngineOptions.DEFAULT)) {
            return GoldenReplay.run(opened, model, entry, Progress.NONE, Cancellation.NEVER);
        }
    }

    private Bundle open(TestBundle bundle) throws Exception {
        return Bundle.open(bundle.write(temporary.newFolder().toPath()));
    }

    /** A model that always answers the same: one output of all values, or, without a name, one a value. */
    private static final class Fixed implements LoadedModel {
        private final String name;
        private final float[] values;

        Fixed(String name, float[] values) {
            this.name = name;
            this.values = values;
        }

        @Override
        public List<TensorSpec> inputs() {
            return Arrays.asList(new TensorSpec("input", new int[] {1, 3, 4, 4}, "float32"));
        }

        @Override
        public List<TensorSpec> outputs() {
            if (name != null) {
                return Arrays.asList(new TensorSpec(name, new int[] {1, values.length}, "float32"));
            }
            List<TensorSpec> outputs = new ArrayList<>();
            for (int i = 0; i < values.length; i++) {
                outputs.add(new TensorSpec("block" + i, new int[] {1, 1}, "float32"));
            }
            return outputs;
        }

        @Override
        public void setInput(int index, Tensor value) { }

        @Override
        public void run() { }

        @Override
        public Tensor output(int index) {
            return name != null ? new Tensor(values, 1, values.length) : new Tensor(new float[] {values[index]}, 1, 1);
        }

        @Override
        public void close() { }
    }
}
