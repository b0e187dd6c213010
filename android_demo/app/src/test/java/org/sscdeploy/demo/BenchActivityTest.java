package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.content.Intent;
import android.view.WindowManager;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.GoldenSet;
import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.job.Golden;
import org.sscdeploy.core.job.Job;
import org.sscdeploy.core.job.Jobs;
import org.sscdeploy.core.job.ModelFile;
import org.sscdeploy.core.job.Result;
import org.sscdeploy.core.job.Results;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.Npz;
import org.sscdeploy.demo.run.RunSlot;
import org.sscdeploy.demo.run.RunState;

/** Jobs as {@code ssc-deploy profile --device adb} gives them, with real models and real inference. */
@RunWith(RobolectricTestRunner.class)
public class BenchActivityTest {
    private Path folder;

    @Before
    public void folder() throws Exception {
        folder = Phone.context().getFilesDir().toPath().resolve("jobs/one");
        Files.createDirectories(folder);
    }

    /** A job with every model of the bundle, its golden sets and its files, in its folder. */
    private void write(String nonce) throws Exception {
        Bundle bundle = Bundle.open(BundleFiles.whole());
        List<ModelFile> models = new ArrayList<>();
        for (ModelEntry entry : bundle.manifest().models()) {
            byte[] model = Files.readAllBytes(entry.path());
            byte[] golden = golden(bundle.golden(), entry.layout());
            String name = "golden" + models.size() + ".npz";
            Files.write(folder.resolve(entry.file()), model);
            Files.write(folder.resolve(name), golden);
            models.add(new ModelFile(entry.file(), entry.file(), BundleFiles.sha256(model), model.length,
                new Golden(name, BundleFiles.sha256(golden), List.of(bundle.tolerance()), "export")));
        }
        Job job = new Job(nonce, models, List.of(1), Optional.of(Protocol.QUICK), Optional.empty(), false);
        Files.write(folder.resolve("job.json"), Jobs.json(job).getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] golden(GoldenSet set, Layout layout) {
        int classes = set.output(0).length;
        int size = set.input(0, layout).data().length;
        float[] inputs = new float[set.count() * size];
        double[] outputs = new double[set.count() * classes];
        for (int i = 0; i < set.count(); i++) {
            System.arraycopy(set.input(i, layout).data(), 0, inputs, i * size, size);
            System.arraycopy(set.output(i), 0, outputs, i * classes, classes);
        }
        int[] one = set.input(0, layout).shape();
        int[] shape = {set.count(), one[0], one[1], one[2], one[3]};
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("input.0", NpyArray.of(inputs, shape));
        arrays.put("output.0", NpyArray.of(outputs, set.count(), 1, classes));
        return Npz.format(arrays);
    }

    private static ActivityController<BenchActivity> started(String job) {
        Intent intent = new Intent(Phone.context(), BenchActivity.class);
        if (job != null) {
            intent.putExtra("job", job);
        }
        return Robolectric.buildActivity(BenchActivity.class, intent).setup();
    }

    private static BenchActivity run(String job) {
        BenchActivity activity = started(job).get();
        Phone.awaitRun();
        return activity;
    }

    private String job() {
        return folder.resolve("job.json").toString();
    }

    private Status status() throws Exception {
        return Status.parse(text(folder.resolve("status.json")));
    }

    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    @Test
    public void aJobGivesAResultThatIsNamedByItsHash() throws Exception {
        write("nonce-1");
        BenchActivity activity = run(job());
        assertEquals(Status.State.DONE, status().state());
        assertEquals("nonce-1", status().nonce());
        assertEquals(BundleFiles.sha256(Files.readAllBytes(folder.resolve("result.json"))), status().resultSha256());
        Result result = Results.parse(text(folder.resolve("result.json")));
        assertEquals("nonce-1", result.nonce());
        assertEquals(2, result.measurements().size());
        result.measurements().forEach(measurement -> {
            assertFalse(measurement.failure().isPresent());
            assertEquals(5, measurement.turns().size());
        });
        assertTrue(result.environment().device().startsWith("host JVM"));
        assertEquals("Done", Phone.text(activity, R.id.heading));
    }

    @Test
    public void theScreenStaysOnAndSaysWhatIsDoneUntilTheEnd() throws Exception {
        write("nonce-2");
        BenchActivity activity = started(job()).get();
        assertTrue((activity.getWindow().getAttributes().flags & WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON) != 0);
        Phone.await("a line is shown", () -> !Phone.text(activity, R.id.line).isEmpty());
        assertEquals("Measuring; leave the device alone", Phone.text(activity, R.id.heading));
        Screenshot.take(activity, "bench-running");
        Phone.awaitRun();
        assertEquals(0, activity.getWindow().getAttributes().flags & WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    }

    @Test
    public void turningTheDeviceDoesNotStartTheJobAgain() throws Exception {
        write("nonce-3");
        ActivityController<BenchActivity> controller = started(job());
        RuntimeEnvironment.setQualifiers("+land");
        controller.recreate();
        Phone.awaitRun();
        assertEquals("Done", Phone.text(controller.get(), R.id.heading));
        assertEquals(Status.State.DONE, status().state());
    }

    @Test
    public void turningTheDeviceWhileTheJobWaitsForOtherWorkQueuesNoOther() throws Exception {
        write("nonce-9");
        CountDownLatch slow = new CountDownLatch(1);
        Phone.app().runs.enqueue(new RunSlot<Void, Void>(), control -> {
            slow.await();
            return null;
        });
        ActivityController<BenchActivity> controller = started(job());
        List<RunState.Phase> heard = new ArrayList<>();
        Phone.app().bench.watch(state -> heard.add(state.phase()));
        RuntimeEnvironment.setQualifiers("+land");
        controller.recreate();
        slow.countDown();
        Phone.awaitRun();
        assertEquals("Done", Phone.text(controller.get(), R.id.heading));
        assertEquals("it ended once", 1, Collections.frequency(heard, RunState.Phase.DONE));
    }

    @Test
    public void aJobWhoseProcessTheSystemEndedIsSaidToHaveFailed() throws Exception {
        write("nonce-8");
        Status running = new Status("nonce-8", Status.State.RUNNING, "turn 3", "", "");
        Files.write(folder.resolve("status.json"), running.toJson().getBytes(StandardCharsets.UTF_8));
        Intent intent = new Intent(Phone.context(), BenchActivity.class).putExtra("job", job());
        BenchActivity activity = Robolectric.buildActivity(BenchActivity.class, intent)
            .create(new android.os.Bundle()).start().resume().visible().get(); // as the system restores it
        Phone.awaitRun();
        assertEquals(Status.State.FAILED, status().state());
        assertEquals("nonce-8", status().nonce());
        assertTrue(status().message(), status().message().startsWith("the system ended the app"));
        assertEquals("Not done", Phone.text(activity, R.id.heading));
        assertFalse("it is not done again", Files.exists(folder.resolve("result.json")));
    }

    @Test
    public void aModelThatIsWrongIsNotTimed() throws Exception {
        write("nonce-4");
        Files.copy(folder.resolve("golden0.npz"), folder.resolve("before.npz"));
        Map<String, NpyArray> arrays = new LinkedHashMap<>(Npz.read(folder.resolve("before.npz"), 10_000_000));
        double[] outputs = arrays.get("output.0").doubles();
        outputs[0] += 1;
        arrays.put("output.0", NpyArray.of(outputs, arrays.get("output.0").shape()));
        byte[] wrong = Npz.format(arrays);
        String old = BundleFiles.sha256(Files.readAllBytes(folder.resolve("golden0.npz")));
        Files.write(folder.resolve("golden0.npz"), wrong);
        String json = text(folder.resolve("job.json")).replace(old, BundleFiles.sha256(wrong));
        Files.write(folder.resolve("job.json"), json.getBytes(StandardCharsets.UTF_8));
        run(job());
        Result result = Results.parse(text(folder.resolve("result.json")));
        assertEquals("wrong answer", result.measurements().get(0).failure().get().kind().text());
        assertTrue(result.measurements().get(0).turns().isEmpty());
        assertFalse(result.measurements().get(1).failure().isPresent());
    }

    @Test
    public void aDamagedFileFailsTheJobWithItsNonce() throws Exception {
        write("nonce-5");
        byte[] model = Files.readAllBytes(folder.resolve("model.onnx"));
        Files.write(folder.resolve("model.onnx"), Arrays.copyOf(model, model.length - 1));
        BenchActivity activity = run(job());
        assertEquals(Status.State.FAILED, status().state());
        assertEquals("nonce-5", status().nonce());
        assertTrue(status().message(), status().message().contains("model.onnx"));
        assertEquals("Not done", Phone.text(activity, R.id.heading));
        assertTrue(Phone.text(activity, R.id.line).contains("model.onnx"));
        Screenshot.take(activity, "bench-failed");
    }

    @Test
    public void anUnknownSchemaVersionFailsTheJobWithItsNonce() throws Exception {
        write("nonce-6");
        String json = text(folder.resolve("job.json")).replaceAll("\"schema_version\":\\s*1", "\"schema_version\": 7");
        Files.write(folder.resolve("job.json"), json.getBytes(StandardCharsets.UTF_8));
        run(job());
        assertEquals(Status.State.FAILED, status().state());
        assertEquals("nonce-6", status().nonce());
        assertTrue(status().message(), status().message().contains("7"));
    }

    @Test
    public void aJobThatIsNoJsonWritesNoStatusAndSaysSo() throws Exception {
        Files.write(folder.resolve("job.json"), "{nonce".getBytes(StandardCharsets.UTF_8));
        BenchActivity activity = run(job());
        assertFalse("no nonce, no status", Files.exists(folder.resolve("status.json")));
        assertEquals("Not done", Phone.text(activity, R.id.heading));
        assertTrue(Phone.text(activity, R.id.line), Phone.text(activity, R.id.line).contains("job.json"));
    }

    @Test
    public void withoutAJobItSaysHowToGiveOne() {
        BenchActivity activity = run(null);
        assertEquals("No job was given; start this screen with: --es job FOLDER/job.json.",
            Phone.text(activity, R.id.line));
    }

    @Test
    public void aPathThatIsNotThereIsSaid() {
        String missing = folder.resolve("missing.json").toString();
        assertTrue(Phone.text(run(missing), R.id.line).startsWith(missing));
    }

    @Test
    public void aJobOutsideOfTheFolderOfJobsIsNotTouched() throws Exception {
        write("nonce-7");
        Path outside = Phone.temporary().resolve("job");
        BundleFiles.copy(folder, outside);
        BenchActivity activity = run(outside.resolve("job.json").toString());
        assertTrue(Phone.text(activity, R.id.line).contains(" is no file below "));
        assertFalse(Files.exists(outside.resolve("status.json")));
        Path link = folder.resolveSibling("link");
        Files.createSymbolicLink(link, outside);
        run(link.resolve("job.json").toString());
        assertFalse("a link does not lead there either", Files.exists(outside.resolve("status.json")));
    }
}
