package org.sscdeploy.core.job;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.Samples;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.AxisBound;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.TestBundle;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.ScriptedEngine;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.Npz;

public class JobRunnerTest {
    private static final Protocol SMALL = new Protocol(2, 0, 4, 0, 2, 1, 5, 1);

    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private final ScriptedEngine engine = new ScriptedEngine();
    private JobFolder job;
    private Bundle bundle;

    @Before
    public void makeABundle() throws Exception {
        job = new JobFolder(temporary.newFolder("job").toPath());
        bundle = Bundle.open(new TestBundle("Net").write(temporary.newFolder("bundle").toPath()));
    }

    @Test
    public void aJobEndsWithAResultOfItsNonceAndTheHashOfIt() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).with(bundle, bundle.manifest().models().get(0))
            .write(SMALL, false, 1, 2);
        Status status = execute(file);
        assertEquals(status.message(), Status.State.DONE, status.state());
        String json = TestFolders.text(job.folder.resolve("result.json"));
        assertEquals(Sha256.of(Files.readAllBytes(job.folder.resolve("result.json"))), status.resultSha256());
        assertEquals(Collections.emptyList(), Samples.violations("result", json));
        Result result = Results.parse(json);
        assertEquals("a nonce", result.nonce());
        assertEquals(4, result.measurements().size());
        Measurement third = result.measurements().get(2);
        assertEquals(0, third.model());
        assertEquals(2, third.threads());
        assertEquals(2, third.turns().size());
        assertEquals(0, third.golden().get(0).max(), 0);
        assertEquals("the app does not use the runtime's profiler", third.operatorsNote());
        assertEquals(
            "[the app measures in one process, so there are no figures of fresh ones: no load time, no first inference "
                + "and no peak memory]", result.notes().toString());
        assertEquals(31.5, result.before().temperatureCelsius().get("skin"), 0);
        assertTrue(engine.diary.contains("load model1.onnx, 2 threads"));
    }

    @Test
    public void whatIsLeftInTheFolderIsWholeAndNothingElse() throws Exception {
        execute(job.with(bundle, bundle.manifest().models().get(0)).write(null, false, 1));
        List<String> names = new ArrayList<>();
        TestFolders.in(job.folder).forEach(path -> names.add(path.getFileName().toString()));
        assertEquals("[golden0.npz, job.json, model0.onnx, result.json, status.json]", names.toString());
    }

    @Test
    public void statusTellsEachStepAndIsAlwaysValid() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        List<String> lines = new ArrayList<>();
        BenchListener listener = (line, done, total) -> {
            try {
                String json = TestFolders.text(job.folder.resolve("status.json"));
                assertEquals(Collections.emptyList(), Samples.violations("status", json));
                assertEquals(line, Status.parse(json).line());
                assertEquals(Status.State.RUNNING, Status.parse(json).state());
                assertFalse(Files.exists(job.folder.resolve("result.json")));
            } catch (Exception error) {
                throw new AssertionError(error);
            }
            lines.add(line);
        };
        new JobRunner(Collections.singletonList(engine), JobFolder.device(), engine)
            .execute(file, listener, Cancellation.NEVER);
        assertEquals(4, lines.size());
        Status last = Status.parse(TestFolders.text(job.folder.resolve("status.json")));
        assertEquals(Status.State.DONE, last.state());
    }

    @Test
    public void keptOutputsAreNamedWithTheirHash() throws Exception {
        execute(job.with(bundle, bundle.manifest().models().get(0)).write(null, true, 1));
        Result result = Results.parse(TestFolders.text(job.folder.resolve("result.json")));
        Path kept = job.folder.resolve("outputs0.npz");
        assertEquals(Collections.singletonMap("outputs0.npz", Sha256.of(kept)), result.files());
        Map<String, NpyArray> outputs = Npz.read(kept, 1_000_000);
        assertEquals("float32 [16, 1, 4]", outputs.get("output.0").toString());
        assertEquals((float) bundle.golden().output(3)[1], outputs.get("output.0").floats()[3 * 4 + 1], 0);
    }

    @Test
    public void whatIsWrongWithOneModelIsItsResultAndTheOthersAreMeasured() throws Exception {
        Bundle wrong = Bundle.open(new TestBundle("Wrong").withOutput(0, 0, 9).write(temporary.newFolder().toPath()));
        job.with(wrong, wrong.manifest().models().get(0)).with(bundle, bundle.manifest().models().get(0))
            .with("other.tflite", new byte[] {1}, new byte[] {1}, new Tolerance(1, 1))
            .with("broken.onnx", new byte[] {1}, new byte[] {1}, new Tolerance(1, 1));
        engine.at("model1.onnx", 2, () -> {
            throw new OutOfMemoryError();
        });
        assertEquals(Status.State.DONE, execute(job.write(SMALL, false, 1)).state());
        String json = TestFolders.text(job.folder.resolve("result.json"));
        assertEquals(Collections.emptyList(), Samples.violations("result", json));
        List<Measurement> measurements = Results.parse(json).measurements();
        assertEquals(FailureKind.WRONG_ANSWER, measurements.get(0).failure().get().kind());
        assertTrue(measurements.get(0).golden().get(0).max() > 1);
        assertEquals(FailureKind.FAILED, measurements.get(1).failure().get().kind());
        assertTrue(measurements.get(1).failure().get().message().startsWith("memory ran out"));
        assertEquals("no runtime is known for model2.tflite", measurements.get(2).failure().get().message());
        assertTrue(measurements.get(3).failure().get().message(),
            measurements.get(3).failure().get().message().startsWith("an array of its golden file is damaged"));
        measurements.forEach(measurement -> assertTrue(measurement.turns().isEmpty()));
    }

    @Test
    public void anOutputThatIsNotANumberIsWrittenAsNull() throws Exception {
        float[] inputs = new float[48];
        inputs[1] = Float.NaN;
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("input.0", NpyArray.of(inputs, 1, 1, 3, 4, 4));
        arrays.put("output.0", NpyArray.of(new double[4], 1, 1, 4));
        execute(job.with("nan.onnx", new byte[] {1}, Npz.format(arrays), new Tolerance(1, 1)).write(SMALL, false, 1));
        String json = TestFolders.text(job.folder.resolve("result.json"));
        assertTrue(json, json.contains("\"golden\":[{\"max\":null,\"rms\":null}]"));
        assertEquals("output 0 holds NaN or Inf",
            Results.parse(json).measurements().get(0).failure().get().message());
    }

    @Test
    public void anOutputOutsideOfTheBoundOfItsChannelIsAWrongAnswer() throws Exception {
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("input.0", NpyArray.of(new float[96], 2, 1, 3, 4, 4));
        arrays.put("output.0", NpyArray.of(new double[] {0, 0, 0, 0, 0, 0, 0, 0.5}, 2, 1, 4));
        byte[] golden = Npz.format(arrays);
        job.with("loose.onnx", new byte[] {1}, golden, new Tolerance(1, 1, new AxisBound(1, 1, 1, 1, 0.6)))
            .with("tight.onnx", new byte[] {1}, golden, new Tolerance(1, 1, new AxisBound(1, 1, 1, 1, 0.1)))
            .with("other.onnx", new byte[] {1}, golden, new Tolerance(1, 1, new AxisBound(1, 1, 1)));
        execute(job.write(SMALL, false, 1));
        List<Measurement> found = Results.parse(TestFolders.text(job.folder.resolve("result.json"))).measurements();
        assertFalse(found.get(0).failure().isPresent());
        assertEquals(FailureKind.WRONG_ANSWER, found.get(1).failure().get().kind());
        assertEquals("output 0 is off by max 5.00e-01 (allowed 1.00e-01) at index 3 of axis 1",
            found.get(1).failure().get().message());
        assertEquals("the bounds of output 0 are not of its shape [1, 4]", found.get(2).failure().get().message());
    }

    @Test
    public void outputsOfAnotherShapeAreAWrongAnswer() throws Exception {
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("input.0", NpyArray.of(new float[48], 1, 1, 3, 4, 4));
        arrays.put("output.0", NpyArray.of(new double[5], 1, 1, 5));
        execute(job.with("five.onnx", new byte[] {1}, Npz.format(arrays), new Tolerance(1, 1)).write(SMALL, false, 1));
        Failure failure = Results.parse(TestFolders.text(job.folder.resolve("result.json")))
            .measurements().get(0).failure().get();
        assertEquals("it computes outputs of [[1, 4]], and [[1, 5]] was expected", failure.message());
    }

    @Test
    public void aDamagedFileFailsTheJobBeforeAnythingIsLoaded() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        Files.write(job.folder.resolve("model0.onnx"), new byte[] {9});
        assertFailed("model0.onnx is damaged: it has not the SHA-256 that the job names; copy it again", execute(file));
        Files.delete(job.folder.resolve("model0.onnx"));
        assertFailed("model0.onnx is not in the job's folder; copy it again", execute(file));
        assertTrue(engine.diary.isEmpty());
    }

    @Test
    public void aJobThatAppsCannotDoFailsWithASentence() throws Exception {
        String sound = TestFolders.text(job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1));
        assertFailed("the app cannot pin itself to cores; measure without --pin",
            execute(job.write(sound.replace("\"pin\":null", "\"pin\":[0]"))));
        assertFailed("job.json cannot be used: models[0].file is '../a.onnx', not a file of the same folder",
            execute(job.write(sound.replace("\"file\":\"model0.onnx\"", "\"file\":\"../a.onnx\""))));
        assertFailed("job.json cannot be used: it is of schema version 3, this app of 1; use the app and ssc-deploy of "
            + "the same version", execute(job.write(sound.replace("\"schema_version\":1", "\"schema_version\":3"))));
    }

    @Test
    public void withoutANonceNothingIsWritten() throws Exception {
        for (String json : new String[] {"", "{}", "[]", "{\"nonce\": 5}", "{\"nonce\": \"\"}", "{\"nonce\": \"a\""}) {
            Path file = job.write(json);
            JobException error = assertThrows(JobException.class, () -> execute(file));
            assertTrue(error.getMessage(), error.getMessage().startsWith("job.json cannot be used: "));
            assertFalse(Files.exists(job.folder.resolve("status.json")));
        }
        assertEquals("job.json cannot be read: it is not there", assertThrows(
            JobException.class, () -> execute(job.folder.resolve("elsewhere").resolve("job.json"))).getMessage());
    }

    @Test
    public void aJobThatIsNotUtf8IsRefusedAndOneThatNamesTheReplacementCharacterIsNot() throws Exception {
        byte[] sound = Files.readAllBytes(job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1));
        String named = new String(sound, StandardCharsets.UTF_8).replace("a nonce", "a nonce\ufffd");
        assertEquals("a nonce\ufffd", execute(job.write(named)).nonce());
        Path file = job.write("");
        byte[] broken = sound.clone();
        broken[new String(sound, StandardCharsets.UTF_8).indexOf("a nonce")] = (byte) 0xff;
        Files.write(file, broken);
        assertEquals("job.json cannot be used: it is not UTF-8; copy it again",
            assertThrows(JobException.class, () -> execute(file)).getMessage());
    }

    @Test
    public void aJobWhoseProcessWasEndedFailsAndOneThatWasDoneStaysDone() throws Exception {
        JobRunner runner = new JobRunner(Collections.singletonList(engine), JobFolder.device(), engine);
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        Path status = job.folder.resolve("status.json");
        String ended = "the system ended the app before the job was done; keep its screen on and other apps closed, "
            + "and run it again";
        assertFailed(ended, runner.interrupted(file)); // before it wrote any
        for (Status last : new Status[] {
                new Status("a nonce", Status.State.RUNNING, "turn 3", "", ""),
                new Status("another", Status.State.DONE, "done", "", Sha256.of(new byte[0]))}) {
            Files.write(status, last.toJson().getBytes(StandardCharsets.UTF_8));
            assertFailed(ended, runner.interrupted(file));
        }
        Status done = execute(file);
        assertEquals(Status.State.DONE, runner.interrupted(file).state());
        assertEquals(done.toJson(), TestFolders.text(status));
    }

    @Test
    public void aCancelledJobFailsAndLeavesNoResult() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        boolean[] cancelled = {false};
        engine.at("model0.onnx", 4, () -> cancelled[0] = true);
        Status status = new JobRunner(Arrays.asList(engine), JobFolder.device(), engine)
            .execute(file, BenchListener.NONE, () -> cancelled[0]);
        assertFailed("the run was cancelled", status);
        assertFalse(Files.exists(job.folder.resolve("result.json")));
    }

    @Test
    public void aDefectOfTheAppFailsTheJobAndDoesNotLeaveItRunning() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        Device sound = JobFolder.device();
        for (Throwable defect : new Throwable[] {new IllegalStateException("no sensor"), new NoSuchMethodError("odd")}) {
            Device broken = new Device() {
                @Override
                public Environment environment() {
                    if (defect instanceof Error) {
                        throw (Error) defect;
                    }
                    throw (RuntimeException) defect;
                }

                @Override
                public Snapshot snapshot() {
                    return sound.snapshot();
                }
            };
            Status status = new JobRunner(Collections.singletonList(engine), broken, engine)
                .execute(file, BenchListener.NONE, Cancellation.NEVER);
            assertFailed("the app fails: " + defect, status);
            assertFalse(Files.exists(job.folder.resolve("result.json")));
        }
    }

    @Test
    public void anEngineThatIsNotThereIsAResult() throws Exception {
        Engine none = new Engine() {
            @Override
            public String id() {
                return "tflite";
            }

            @Override
            public String version() {
                return "";
            }

            @Override
            public String format() {
                return "onnx";
            }

            @Override
            public LoadedModel load(Path path, EngineOptions options)
                    throws EngineException {
                throw new EngineException(FailureKind.NO_RUNTIME, "its library cannot be loaded");
            }
        };
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        new JobRunner(Arrays.asList(none), JobFolder.device(), engine)
            .execute(file, BenchListener.NONE, Cancellation.NEVER);
        String json = TestFolders.text(job.folder.resolve("result.json"));
        assertTrue(json, json.contains("{\"kind\":\"no runtime\",\"message\":\"its library cannot be loaded\"}"));
    }

    @Test
    public void aStatusThatCannotBeWrittenEndsTheJob() throws Exception {
        Path file = job.with(bundle, bundle.manifest().models().get(0)).write(SMALL, false, 1);
        Files.createDirectory(job.folder.resolve("status.json"));
        Files.createFile(job.folder.resolve("status.json").resolve("in the way"));
        assertTrue(assertThrows(JobException.class, () -> execute(file)).getMessage()
            .startsWith("status.json cannot be written: "));
    }

    private Status execute(Path file) throws JobException {
        return new JobRunner(Collections.singletonList(engine), JobFolder.device(), engine)
            .execute(file, BenchListener.NONE, Cancellation.NEVER);
    }

    private void assertFailed(String message, Status status) throws Exception {
        assertEquals(message, status.message());
        assertEquals(Status.State.FAILED, status.state());
        String json = TestFolders.text(job.folder.resolve("status.json"));
        assertEquals(Collections.emptyList(), Samples.violations("status", json));
        assertArrayEquals(new String[] {message, "", "a nonce"},
            new String[] {Status.parse(json).message(), Status.parse(json).resultSha256(), Status.parse(json).nonce()});
    }
}
