package org.sscdeploy.engine.tflite;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.Samples;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.RealModel;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.job.JobFolder;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Results;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.core.parity.GoldenReplay;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.core.parity.Verdict;

/** Every bundle of the zoo in the real TFLite, as Android's library runs on the host. */
public class TfliteEngineTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private final TfliteEngine engine = new TfliteEngine();

    @Test
    public void itSaysWhatItIs() {
        assertEquals("tflite", engine.id());
        assertEquals("tflite", engine.format());
        assertTrue(engine.version(), engine.version().matches("2\\.\\d+\\.\\d+"));
    }

    @Test
    public void everyNetworkReproducesItsGoldenOutputsHoweverItIsRun() throws Exception {
        for (Bundle bundle : bundles()) {
            ModelEntry entry = bundle.model("tflite").get();
            for (EngineOptions options : Arrays.asList(EngineOptions.DEFAULT, EngineOptions.DEFAULT.withThreads(2),
                    EngineOptions.DEFAULT.withXnnpack(false))) {
                try (LoadedModel model = engine.load(entry.path(), options)) {
                    ParityReport report = GoldenReplay.run(bundle, model, entry, Progress.NONE, Cancellation.NEVER);
                    assertEquals(bundle.manifest().name() + ", " + options + ": max " + report.max(), Verdict.PASSED,
                        report.verdict());
                    assertFalse(report.preprocessingDiffers().isPresent());
                }
            }
        }
    }

    @Test
    public void filesOfIntegersReproduceTheirGoldenOutputsInRealNumbers() throws Exception {
        for (Path folder : TestFolders.in(TestFolders.integers())) {
            Bundle bundle = Bundle.open(folder);
            ModelEntry entry = bundle.model("tflite").get();
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
                assertEquals("int8", model.inputs().get(0).dtype());
                ParityReport report = GoldenReplay.run(bundle, model, entry, Progress.NONE, Cancellation.NEVER);
                assertEquals(folder + ": max " + report.max(), Verdict.PASSED, report.verdict());
                assertFalse(report.preprocessingDiffers().isPresent());
                LoadedModel real = RealModel.of(model, entry.input(), entry.output());
                double scale = entry.output().steps().get().scale();
                for (float value : real.output(0).data()) {
                    assertEquals(Math.rint(value / scale), value / scale, 1e-4);
                }
            }
        }
    }

    @Test
    public void aModelOfIntegersRefusesRealNumbersAndOtherSizes() throws Exception {
        Bundle bundle = Bundle.open(TestFolders.in(TestFolders.integers()).get(0));
        ModelEntry entry = bundle.model("tflite").get();
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertThrows(EngineException.class, () -> model.setInput(0, bundle.golden().input(0, entry.layout())));
            assertThrows(EngineException.class, () -> model.setBytes(0, new byte[3]));
            assertThrows(EngineException.class, () -> model.bytes(0));
        }
    }

    /** Its kernels add up in another order than TFLite's own, so that the last bits differ. */
    @Test
    public void xnnpackRunsUnlessItIsTurnedOff() throws Exception {
        Bundle bundle = bundles().get(0);
        ModelEntry entry = bundle.model("tflite").get();
        List<float[]> outputs = new ArrayList<>();
        for (boolean xnnpack : new boolean[] {true, true, false}) {
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT.withXnnpack(xnnpack))) {
                model.setInput(0, bundle.golden().input(0, entry.layout()));
                model.run();
                outputs.add(model.output(0).data());
            }
        }
        assertArrayEquals(outputs.get(0), outputs.get(1), 0);
        assertFalse(Arrays.equals(outputs.get(1), outputs.get(2)));
    }

    @Test
    public void theModelSaysWhatItsBundleSaysOfIt() throws Exception {
        ModelEntry entry = bundles().get(0).model("tflite").get();
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertEquals(Arrays.toString(entry.input().shape()), Arrays.toString(model.inputs().get(0).shape()));
            assertEquals("float32", model.outputs().get(0).dtype());
        }
    }

    @Test
    public void anotherInputGivesAnotherOutputAndTheFirstOneTheSameAgain() throws Exception {
        Bundle bundle = bundles().get(0);
        ModelEntry entry = bundle.model("tflite").get();
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            float[] first = answer(model, bundle, 0);
            assertFalse(Arrays.equals(first, answer(model, bundle, 1)));
            assertArrayEquals(first, answer(model, bundle, 0), 0);
        }
    }

    @Test
    public void aFileThatIsNoModelIsRefusedBySentence() throws Exception {
        Path file = temporary.newFile("a.tflite").toPath();
        Files.write(file, new byte[64]);
        EngineException error = assertThrows(
            EngineException.class, () -> engine.load(file, EngineOptions.DEFAULT));
        assertEquals(FailureKind.REFUSED, error.kind());
        assertTrue(error.getMessage(), error.getMessage().startsWith("the runtime refuses it: "));
        assertFalse(error.getMessage().contains("\n"));
        assertEquals(FailureKind.REFUSED, assertThrows(EngineException.class,
            () -> engine.load(file.resolveSibling("none.tflite"), EngineOptions.DEFAULT)).kind());
    }

    @Test
    public void anInputOfAnotherShapeAndAMissingOneAreRefused() throws Exception {
        ModelEntry entry = bundles().get(0).model("tflite").get();
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertTrue(assertThrows(EngineException.class, () -> model.setInput(0, new Tensor(new float[2], 1, 2)))
                .getMessage().endsWith("and was given float32 [1, 2]"));
            assertEquals("not all of its inputs were given",
                assertThrows(EngineException.class, model::run).getMessage());
            assertThrows(EngineException.class, () -> model.output(0));
        }
    }

    @Test
    public void aModelMayBeClosedTwiceAndThenDoesNothing() throws Exception {
        Bundle bundle = bundles().get(0);
        ModelEntry entry = bundle.model("tflite").get();
        LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT);
        answer(model, bundle, 0);
        model.close();
        model.close();
        assertEquals(FailureKind.FAILED, assertThrows(EngineException.class, model::run).kind());
        assertEquals(FailureKind.FAILED, assertThrows(EngineException.class, () -> model.output(0)).kind());
    }

    @Test
    public void aJobInTheRealRuntimeEndsInAValidResult() throws Exception {
        Bundle bundle = bundles().get(0);
        Path file = new JobFolder(temporary.newFolder("job").toPath()).with(bundle, bundle.model("tflite").get())
            .write(new Protocol(1, 0, 4, 0, 2, 1, 0, 0), true, 1);
        Status status = new JobRunner(Collections.singletonList(engine), JobFolder.device(), JobFolder.clocks())
            .execute(file, BenchListener.NONE, Cancellation.NEVER);
        assertEquals(status.message(), Status.State.DONE, status.state());
        String json = TestFolders.text(file.resolveSibling("result.json"));
        assertEquals(Collections.emptyList(), Samples.violations("result", json));
        assertEquals(2, Results.parse(json).measurements().get(0).turns().size());
    }

    private static float[] answer(LoadedModel model, Bundle bundle, int picture) throws Exception {
        model.setInput(0, bundle.golden().input(picture, bundle.model("tflite").get().layout()));
        model.run();
        return model.output(0).data();
    }

    private static List<Bundle> bundles() throws Exception {
        List<Bundle> bundles = new ArrayList<>();
        for (Path path : TestFolders.in(TestFolders.bundles())) {
            if (Files.isDirectory(path)) {
                bundles.add(Bundle.open(path));
            }
        }
        assertFalse("there are no bundles", bundles.isEmpty());
        return bundles;
    }
}
