package org.sscdeploy.core.job;

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
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sscdeploy.core.bench.Clocks;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.bundle.GoldenSet;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.Npz;

/** A job's folder with models of bundles, as {@code ssc-deploy profile} makes it. */
public final class JobFolder {
    /** Where it lies. */
    public final Path folder;

    private final List<ModelFile> models = new ArrayList<>();

    /** An empty one. */
    public JobFolder(Path folder) {
        this.folder = folder;
    }

    /** Adds a model of a bundle with its golden set. */
    public JobFolder with(Bundle bundle, ModelEntry entry) throws IOException, BundleException {
        GoldenSet golden = bundle.golden();
        int[] shape = entry.input().shape();
        int count = golden.count();
        float[] inputs = new float[count * shape[1] * shape[2] * shape[3]];
        double[] outputs = new double[count * bundle.manifest().labels().size()];
        for (int i = 0; i < count; i++) {
            float[] input = golden.input(i, entry.layout()).data();
            System.arraycopy(input, 0, inputs, i * input.length, input.length);
            double[] output = golden.output(i);
            System.arraycopy(output, 0, outputs, i * output.length, output.length);
        }
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("input.0", NpyArray.of(inputs, count, 1, shape[1], shape[2], shape[3]));
        arrays.put("output.0", NpyArray.of(outputs, count, 1, bundle.manifest().labels().size()));
        return with(entry.file(), Files.readAllBytes(entry.path()), Npz.format(arrays), bundle.tolerance());
    }

    /** Adds a model that anybody may have made. */
    public JobFolder with(String name, byte[] model, byte[] golden, Tolerance bound) throws IOException {
        int index = models.size();
        String file = "model" + index + name.substring(name.lastIndexOf('.'));
        String goldenFile = "golden" + index + ".npz";
        Files.write(folder.resolve(file), model);
        Files.write(folder.resolve(goldenFile), golden);
        models.add(new ModelFile(name, file, Sha256.of(model), model.length,
            new Golden(goldenFile, Sha256.of(golden), Collections.singletonList(bound), "export")));
        return this;
    }

    /** Writes job.json, and says where. */
    public Path write(Protocol protocol, boolean keepOutputs, Integer... threads) throws IOException {
        return write(Jobs.json(new Job("a nonce", models, Arrays.asList(threads), Optional.ofNullable(protocol),
            Optional.empty(), keepOutputs)));
    }

    /** Writes any job.json. */
    public Path write(String json) throws IOException {
        Path file = folder.resolve("job.json");
        Files.write(file, json.getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** The clocks of the Java machine. */
    public static Clocks clocks() {
        return new Clocks() {
            @Override
            public long monotonicNanos() {
                return System.nanoTime();
            }

            @Override
            public long wallNanos() {
                return Math.multiplyExact(System.currentTimeMillis(), 1_000_000L);
            }

            @Override
            public OptionalLong bootNanos() {
                return OptionalLong.empty();
            }
        };
    }

    /** The Java machine that tests run on. */
    public static Device device() {
        return new Device() {
            @Override
            public Environment environment() {
                return new Environment("", "", System.getProperty("os.arch"), 1, OptionalLong.empty(),
                    System.getProperty("os.name"), "JUnit", Collections.singletonMap("onnxruntime", "0"));
            }

            @Override
            public Snapshot snapshot() {
                return new Snapshot(1.7e9, OptionalDouble.of(0.5), Collections.emptyMap(), Collections.emptyMap(),
                    Collections.singletonMap("skin", 31.5));
            }
        };
    }
}
