package org.sscdeploy.engine.ort;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.Tensor;

public class OrtEngineTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private final OrtEngine engine = new OrtEngine();
    private Bundle bundle;
    private ModelEntry entry;

    @Before
    public void openABundle() throws Exception {
        Path folder = TestFolders.in(TestFolders.bundles()).stream().filter(Files::isDirectory).findFirst().get();
        bundle = Bundle.open(folder);
        entry = bundle.model("onnx").get();
    }

    @Test
    public void itSaysWhatItIs() {
        assertEquals("onnxruntime", engine.id());
        assertEquals("onnx", engine.format());
        assertTrue(engine.version(), engine.version().matches("1\\.\\d+\\.\\d+"));
    }

    @Test
    public void aModelSaysWhatItsBundleSaysOfIt() throws Exception {
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertEquals("[" + entry.input() + "]", model.inputs().toString());
            assertEquals("[" + entry.output() + "]", model.outputs().toString());
        }
    }

    @Test
    public void everyNumberOfThreadsGivesAnAnswerWithinTheTolerance() throws Exception {
        double[] reference = bundle.golden().output(0);
        for (int threads : new int[] {1, 2, 4}) {
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT.withThreads(threads))) {
                model.setInput(0, bundle.golden().input(0, entry.layout()));
                model.run();
                for (int i = 0; i < reference.length; i++) {
                    assertEquals(reference[i], model.output(0).data()[i], bundle.tolerance().max());
                }
            }
        }
    }

    @Test
    public void anotherInputGivesAnotherOutputAndTheFirstOneTheSameAgain() throws Exception {
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            Tensor first = answer(model, 0);
            Tensor second = answer(model, 1);
            assertTrue(!Arrays.equals(first.data(), second.data()));
            assertArrayEquals(first.data(), answer(model, 0).data(), 0);
        }
    }

    @Test
    public void aFileThatIsNoModelIsRefusedBySentence() throws Exception {
        Path file = temporary.newFile("a.onnx").toPath();
        Files.write(file, "no model".getBytes("US-ASCII"));
        assertRefused(FailureKind.REFUSED, "the runtime refuses it: ", file);
        byte[] whole = Files.readAllBytes(entry.path());
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
        assertRefused(FailureKind.REFUSED, "the runtime refuses it: ", file);
        assertRefused(FailureKind.REFUSED, "the runtime refuses it: ", file.resolveSibling("none.onnx"));
    }

    @Test
    public void nnapiIsRefusedWhereItIsNotThereAndNothingElseTakesItsPlace() {
        EngineException error = assertThrows(EngineException.class,
            () -> engine.load(entry.path(), EngineOptions.DEFAULT.withNnapi(true)));
        assertEquals(FailureKind.REFUSED, error.kind());
    }

    @Test
    public void anInputOfAnotherShapeIsRefusedBeforeTheRuntimeSeesIt() throws Exception {
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            EngineException error = assertThrows(
                EngineException.class, () -> model.setInput(0, new Tensor(new float[6], 1, 2, 3)));
            assertEquals("it takes " + entry.input() + ", and was given float32 [1, 2, 3]", error.getMessage());
        }
    }

    @Test
    public void whatWasNotRunHasNoOutputAndWhatWasNotGivenDoesNotRun() throws Exception {
        try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            assertThrows(EngineException.class, () -> model.output(0));
            EngineException error = assertThrows(EngineException.class, model::run);
            assertEquals(FailureKind.FAILED, error.kind());
        }
    }

    @Test
    public void aModelMayBeClosedTwiceAndThenDoesNothing() throws Exception {
        LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT);
        model.setInput(0, bundle.golden().input(0, Layout.NCHW));
        model.run();
        model.close();
        model.close();
        assertEquals(FailureKind.FAILED, assertThrows(EngineException.class, model::run).kind());
    }

    private Tensor answer(LoadedModel model, int picture) throws Exception {
        model.setInput(0, bundle.golden().input(picture, entry.layout()));
        model.run();
        return model.output(0);
    }

    private void assertRefused(FailureKind kind, String message, Path file) {
        EngineException error = assertThrows(
            EngineException.class, () -> engine.load(file, EngineOptions.DEFAULT));
        assertEquals(kind, error.kind());
        assertTrue(error.getMessage(), error.getMessage().startsWith(message));
    }
}
