package org.sscdeploy.engine.ort;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.Samples;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.LatencyStats;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bench.Statistics;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.bundle.TestBundle;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.RealModel;
import org.sscdeploy.core.job.JobFolder;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Measurement;
import org.sscdeploy.core.job.Results;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.core.parity.BlockResult;
import org.sscdeploy.core.parity.GoldenReplay;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.core.parity.Verdict;

/** Every bundle of the zoo in the real ONNX Runtime. */
public class OrtBundlesTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private final OrtEngine engine = new OrtEngine();

    @Test
    public void everyNetworkReproducesItsGoldenOutputsAndItsInputsBitForBit() throws Exception {
        for (Path folder : bundles()) {
            Bundle bundle = Bundle.open(folder);
            ModelEntry entry = bundle.model("onnx").get();
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
                ParityReport report = GoldenReplay.run(bundle, model, entry, Progress.NONE, Cancellation.NEVER);
                assertEquals(folder + " is off by " + report.max() + " where " + bundle.tolerance().max()
                    + " is allowed", Verdict.PASSED, report.verdict());
                assertTrue(report.pictures().size() >= 16);
                assertFalse(folder.toString(), report.preprocessingDiffers().isPresent());
            }
        }
    }

    @Test
    public void filesOfIntegersReproduceTheirGoldenOutputsInRealNumbers() throws Exception {
        for (Path folder : TestFolders.in(TestFolders.integers())) {
            Bundle bundle = Bundle.open(folder);
            ModelEntry entry = bundle.model("onnx").get();
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
                assertEquals("uint8", model.inputs().get(0).dtype());
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
        ModelEntry entry = bundle.model("onnx").get();
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertThrows(EngineException.class, () -> model.setInput(0, bundle.golden().input(0, entry.layout())));
            assertThrows(EngineException.class, () -> model.setBytes(0, new byte[3]));
            assertThrows(EngineException.class, () -> model.bytes(0));
        }
    }

    @Test
    public void everyNetworksBlocksAreWithinTheirTolerance() throws Exception {
        for (Path folder : bundles()) {
            Bundle bundle = Bundle.open(folder);
            try (LoadedModel blocks = engine.load(bundle.manifest().debug().get().model(), EngineOptions.DEFAULT)) {
                Optional<BlockResult> block =
                    GoldenReplay.firstDiverging(bundle, blocks, Progress.NONE, Cancellation.NEVER);
                assertFalse(folder + ": " + block.map(BlockResult::name).orElse(""), block.isPresent());
            }
        }
    }

    @Test
    public void everyBundleInstallsFromAnArchiveAsWhatItIs() throws Exception {
        Path target = temporary.getRoot().toPath().resolve("bundles").resolve("current");
        for (Path folder : bundles()) {
            Map<String, byte[]> content = new LinkedHashMap<>();
            Bundle bundle = Bundle.open(folder);
            content.put("model.json", Files.readAllBytes(folder.resolve("model.json")));
            for (String file : bundle.manifest().files().keySet()) {
                content.put(file, Files.readAllBytes(folder.resolve(file)));
            }
            Bundle installed = Bundle.install(new ByteArrayInputStream(TestBundle.zip(content)), target);
            assertEquals(bundle.sha256(), installed.sha256());
            assertEquals(installed.sha256(), Bundle.open(target).sha256());
        }
    }

    @Test
    public void aJobInTheRealRuntimeEndsInAValidResultWithLatencies() throws Exception {
        Bundle bundle = Bundle.open(bundles().get(0));
        ModelEntry entry = bundle.model("onnx").get();
        Path file = new JobFolder(temporary.newFolder("job").toPath()).with(bundle, entry).with(bundle, entry)
            .write(new Protocol(1, 0, 4, 0, 2, 1, 0, 0), true, 1, 2);
        Status status = new JobRunner(Collections.singletonList(engine), JobFolder.device(), JobFolder.clocks())
            .execute(file, BenchListener.NONE, Cancellation.NEVER);
        assertEquals(status.message(), Status.State.DONE, status.state());
        String json = TestFolders.text(file.resolveSibling("result.json"));
        assertEquals(Collections.emptyList(), Samples.violations("result", json));
        List<Measurement> measurements = Results.parse(json).measurements();
        assertEquals(4, measurements.size());
        for (Measurement measurement : measurements) {
            assertFalse(measurement.failure().isPresent());
            assertTrue(measurement.golden().get(0).max() <= bundle.tolerance().max());
            LatencyStats stats = Statistics.latency(measurement.turns());
            assertTrue(stats.p50() > 0 && stats.p50() <= stats.p99());
        }
    }

    @Test
    public void aModelOfOtherWeightsFailsAndItsFirstWrongPictureIsNamed() throws Exception {
        Bundle bundle = Bundle.open(bundles().get(0));
        ModelEntry entry = bundle.model("onnx").get();
        try (LoadedModel model = engine.load(withoutSomeWeights(entry.path()), EngineOptions.DEFAULT)) {
            ParityReport report = GoldenReplay.run(bundle, model, entry, Progress.NONE, Cancellation.NEVER);
            assertEquals(Verdict.FAILED, report.verdict());
            assertTrue(report.firstFailing().isPresent());
        }
    }

    @Test
    public void theFirstBlockOfOtherWeightsIsNamedAndNotThoseBeforeIt() throws Exception {
        Bundle bundle = Bundle.open(bundles().get(0));
        Path changed = withoutSomeWeights(bundle.manifest().debug().get().model());
        try (LoadedModel blocks = engine.load(changed, EngineOptions.DEFAULT)) {
            BlockResult block = GoldenReplay.firstDiverging(bundle, blocks, Progress.NONE, Cancellation.NEVER).get();
            assertTrue(block.name(), block.index() > 0 && !block.name().isEmpty());
            assertTrue(block.max() > block.tolerance().max() || block.rms() > block.tolerance().rms()
                || block.slice().isPresent());
        }
    }

    /** The model with zeros in its middle; weights make up nearly all of a file. */
    private Path withoutSomeWeights(Path model) throws Exception {
        byte[] content = Files.readAllBytes(model);
        Arrays.fill(content, content.length / 2, content.length / 2 + 4096, (byte) 0);
        Path changed = temporary.newFile().toPath();
        Files.write(changed, content);
        return changed;
    }

    private static List<Path> bundles() throws Exception {
        List<Path> bundles = new ArrayList<>(TestFolders.in(TestFolders.bundles()));
        bundles.removeIf(path -> !Files.isDirectory(path));
        assertFalse("there are no bundles", bundles.isEmpty());
        return bundles;
    }
}
