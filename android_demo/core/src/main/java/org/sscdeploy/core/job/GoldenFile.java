package org.sscdeploy.core.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.sscdeploy.core.bench.GoldenReference;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.NpyException;
import org.sscdeploy.core.npy.Npz;

/** The golden file of a job: {@code input.k} [R, ...] float32 and {@code output.k} [R, ...] float64. */
final class GoldenFile {
    private static final long MOST_BYTES = 256_000_000;

    private GoldenFile() { }

    static GoldenReference read(Path file, List<Tolerance> bounds) throws EngineException {
        try {
            Map<String, NpyArray> arrays = Npz.read(file, MOST_BYTES);
            List<NpyArray> inputs = numbered(arrays, "input.");
            List<NpyArray> outputs = numbered(arrays, "output.");
            int rows = rows(inputs, outputs);
            List<List<Tensor>> rowsOfInputs = new ArrayList<>();
            List<List<double[]>> rowsOfOutputs = new ArrayList<>();
            for (int r = 0; r < rows; r++) {
                rowsOfInputs.add(new ArrayList<>());
                for (NpyArray input : inputs) {
                    int size = input.size() / rows;
                    rowsOfInputs.get(r).add(
                        new Tensor(Arrays.copyOfRange(input.floats(), r * size, (r + 1) * size), inner(input)));
                }
                rowsOfOutputs.add(new ArrayList<>());
                for (NpyArray output : outputs) {
                    int size = output.size() / rows;
                    rowsOfOutputs.get(r).add(Arrays.copyOfRange(output.doubles(), r * size, (r + 1) * size));
                }
            }
            List<int[]> shapes = outputs.stream().map(GoldenFile::inner).collect(Collectors.toList());
            return new GoldenReference(rowsOfInputs, rowsOfOutputs, shapes, bounds);
        } catch (NpyException error) {
            throw new EngineException(FailureKind.FAILED, "an array of its golden file " + error.getMessage(), error);
        } catch (IOException error) {
            throw new EngineException(
                FailureKind.FAILED, "its golden file cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    private static List<NpyArray> numbered(Map<String, NpyArray> arrays, String prefix) {
        List<NpyArray> found = new ArrayList<>();
        for (NpyArray array = arrays.get(prefix + 0); array != null; array = arrays.get(prefix + found.size())) {
            found.add(array);
        }
        return found;
    }

    /** How many inferences there are; every array must have as many. */
    private static int rows(List<NpyArray> inputs, List<NpyArray> outputs) throws NpyException {
        int rows = 0;
        for (List<NpyArray> arrays : List.of(inputs, outputs)) {
            for (NpyArray array : arrays) {
                int own = array.shape().length == 0 ? 0 : array.shape()[0];
                if (own == 0 || rows != 0 && own != rows) {
                    throw new NpyException("has " + own + " inferences, where others have " + rows);
                }
                rows = own;
            }
        }
        if (inputs.isEmpty() || outputs.isEmpty()) {
            throw new NpyException("is missing: there are " + inputs.size() + " inputs and " + outputs.size()
                + " outputs");
        }
        return rows;
    }

    private static int[] inner(NpyArray array) {
        int[] shape = array.shape();
        return Arrays.copyOfRange(shape, 1, shape.length);
    }
}
