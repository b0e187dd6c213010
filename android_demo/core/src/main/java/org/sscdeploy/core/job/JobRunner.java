package org.sscdeploy.core.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.core.bench.BenchRunner;
import org.sscdeploy.core.bench.ClockWatch;
import org.sscdeploy.core.bench.Clocks;
import org.sscdeploy.core.bench.Contender;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.Npz;

/**
 * Does the job of a folder and leaves result.json and status.json there, as
 * {@code ssc_deploy/profiling/targets/app_contract.py} says.
 *
 * @param engines that may run models; a model that none takes fails by itself, the others go on
 * @param device  that it runs on
 * @param clocks  to time with
 */
public record JobRunner(List<Engine> engines, Device device, Clocks clocks) {
    /** Why a result has no figures of fresh processes; a note of it. */
    public static final String NO_FRESH = "the app measures in one process, so there are no figures of fresh ones: "
        + "no load time, no first inference and no peak memory";

    public JobRunner {
        engines = List.copyOf(engines);
    }

    /**
     * Does a job from job.json to the status {@code done} or {@code failed}. status.json is replaced in one step each
     * time, and never written before the job's nonce was read; {@code done} is said after result.json is there.
     *
     * @param progress     hears of it, besides status.json
     * @param cancellation asked between inferences; a cancelled job's status is {@code failed}
     * @throws JobException not even the nonce could be read, or status.json could not be written
     */
    public Status execute(Path jobFile, Progress progress, Cancellation cancellation) throws JobException {
        return new JobExecution(this, jobFile).execute(progress, cancellation);
    }

    /**
     * Ends a job whose process was ended before the job was: whoever reads status.json must not be told that it goes
     * on. A job that came to its end stays as it is.
     *
     * @throws JobException not even the nonce could be read, or status.json could not be written
     */
    public Status interrupted(Path jobFile) throws JobException {
        return new JobExecution(this, jobFile).interrupted();
    }

    /**
     * Does a job that was read, and writes nothing but the outputs files that it asks for.
     *
     * @throws JobException       a file is missing, damaged or unsafe, or the job asks for what an app cannot do
     */
    public Result run(Path folder, Job job, BenchListener listener, Cancellation cancellation)
            throws JobException, CancelledException {
        if (job.pin().isPresent()) {
            throw new JobException("the app cannot pin itself to cores; measure without --pin");
        }
        for (ModelFile model : job.models()) {
            cancellation.check();
            check(folder, model.file(), model.sha256());
            check(folder, model.golden().file(), model.golden().sha256());
        }
        ClockWatch watch = new ClockWatch(clocks);
        Snapshot before = device.snapshot();
        List<Measurement> measurements = new ArrayList<>();
        Map<String, String> files = new LinkedHashMap<>();
        for (int threads : job.threads()) {
            List<BenchResult> results = new BenchRunner(clocks).run(contenders(folder, job, threads),
                job.protocol().orElse(null), job.keepOutputs(), listener, cancellation);
            for (int i = 0; i < results.size(); i++) {
                measurements.add(measurement(i, threads, results.get(i), job.protocol()));
                files.putAll(keep(folder, "outputs" + i + ".npz", results.get(i).outputs()));
            }
        }
        List<String> notes = new ArrayList<>(watch.notes());
        if (job.protocol().map(Protocol::freshProcesses).orElse(0) > 0) {
            notes.add(NO_FRESH);
        }
        return new Result(job.nonce(), device.environment(), before, device.snapshot(), measurements, notes, files);
    }

    private static void check(Path folder, String name, String sha256) throws JobException {
        Path file = folder.resolve(name);
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new JobException(name + " is not in the job's folder; copy it again");
            }
            if (!Sha256.of(file).equals(sha256)) {
                throw new JobException(name + " is damaged: it has not the SHA-256 that the job names; copy it again");
            }
        } catch (IOException error) {
            throw new JobException(name + " cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    private List<Contender> contenders(Path folder, Job job, int threads) {
        return job.models().stream().map(model -> new Contender(model.name(), engine(model.file()),
            EngineOptions.DEFAULT.withThreads(threads), folder.resolve(model.file()),
            () -> GoldenFile.read(folder.resolve(model.golden().file()), model.golden().bounds())))
            .collect(Collectors.toList());
    }

    /** That runs files of this suffix; null where none does. */
    private Engine engine(String file) {
        return engines.stream().filter(one -> file.endsWith("." + one.format())).findFirst().orElse(null);
    }

    private static Measurement measurement(int model, int threads, BenchResult result, Optional<Protocol> protocol) {
        boolean profiles = protocol.map(Protocol::operatorRuns).orElse(0) > 0 && !result.turns().isEmpty();
        return Measurement.of(model, threads, result, profiles ? "the app does not use the runtime's profiler" : "");
    }

    /** An outputs file, {@code output.k} [R, ...] float32; nothing where there is nothing to be kept. */
    private static Map<String, String> keep(Path folder, String name, List<List<Tensor>> rows) throws JobException {
        if (rows.isEmpty()) {
            return Map.of();
        }
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        for (int k = 0; k < rows.get(0).size(); k++) {
            arrays.put("output." + k, stacked(rows, k));
        }
        byte[] content = Npz.format(arrays);
        try {
            SafeFiles.replace(folder.resolve(name), content);
        } catch (IOException error) {
            throw new JobException(name + " cannot be written: " + SafeFiles.reason(error), error);
        }
        return Map.of(name, Sha256.of(content));
    }

    private static NpyArray stacked(List<List<Tensor>> rows, int output) {
        int[] inner = rows.get(0).get(output).shape();
        int[] shape = new int[inner.length + 1];
        shape[0] = rows.size();
        System.arraycopy(inner, 0, shape, 1, inner.length);
        int size = rows.get(0).get(output).data().length;
        float[] data = new float[size * rows.size()];
        for (int r = 0; r < rows.size(); r++) {
            System.arraycopy(rows.get(r).get(output).data(), 0, data, r * size, size);
        }
        return NpyArray.of(data, shape);
    }
}
