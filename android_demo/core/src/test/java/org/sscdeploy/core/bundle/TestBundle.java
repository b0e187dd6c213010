package org.sscdeploy.core.bundle;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.Npz;
import org.sscdeploy.core.picture.Preprocessor;

/** A small bundle whose golden outputs are the first four of each picture's inputs, to be spoilt by tests. */
public final class TestBundle {
    /** Pictures in its golden set. */
    public static final int COUNT = 16;

    private static final int SIDE = 4;
    private static final int VALUES = 3 * SIDE * SIDE;
    private static final int CLASSES = 4;

    /** Every file besides model.json, by name. */
    public final Map<String, byte[]> files = new LinkedHashMap<>();

    /** model.json; its {@code files} are filled in when it is written. */
    public final JsonObject modelJson;

    private final byte[] pixels = new byte[COUNT * VALUES];
    private final float[] inputs = new float[COUNT * VALUES];
    private final double[] outputs = new double[COUNT * CLASSES];

    /** A sound one. */
    public TestBundle(String name) {
        modelJson = JsonParser.parseString("{'schema_version': 1, 'name': '" + name + "', 'source_sha256': '',"
            + "'made_by': {'ssc-deploy': '0'}, 'models': [{'file': 'model.onnx', 'format': 'onnx', 'layout': 'NCHW',"
            + "'input': {'name': 'input', 'shape': [1, 3, 4, 4], 'dtype': 'float32'},"
            + "'output': {'name': 'output', 'shape': [1, 4], 'dtype': 'float32'},"
            + "'lowering': {'shift': 'depthwise'}, 'runtimes': {'onnxruntime': '1'}}],"
            + "'preprocessing': {'width': 4, 'height': 4, 'resize': 'none', 'colour': 'RGB',"
            + "'mean': [0.4, 0.5, 0.6], 'std': [0.2, 0.3, 0.25]}, 'labels': ['ant', 'bee', 'cat', 'dog'],"
            + "'golden': {'count': 16, 'pixels': 'golden/pixels.npy', 'inputs': 'golden/inputs.npy',"
            + "'outputs': 'golden/outputs.npy', 'pictures': [], 'tolerance': {'max': 1e-6, 'rms': 5e-7}},"
            + "'debug': null, 'files': {}}").getAsJsonObject();
        new Random(7).nextBytes(pixels);
        Preprocessor preprocessor = new Preprocessor(new Preprocessing(SIDE, SIDE, false, Preprocessing.Colour.RGB,
            new float[] {0.4f, 0.5f, 0.6f}, new float[] {0.2f, 0.3f, 0.25f}));
        for (int i = 0; i < COUNT; i++) {
            Tensor input = preprocessor.normalise(
                Arrays.copyOfRange(pixels, i * VALUES, (i + 1) * VALUES), Layout.NCHW);
            System.arraycopy(input.data(), 0, inputs, i * VALUES, VALUES);
            for (int k = 0; k < CLASSES; k++) {
                outputs[i * CLASSES + k] = inputs[i * VALUES + k];
            }
            JsonObject picture = new JsonObject();
            picture.addProperty("file", "golden/picture-" + i + ".png");
            picture.add("label", JsonNull.INSTANCE);
            modelJson.getAsJsonObject("golden").getAsJsonArray("pictures").add(picture);
            files.put("golden/picture-" + i + ".png", new byte[] {(byte) i});
        }
        files.put("model.onnx", "not a real model".getBytes(StandardCharsets.US_ASCII));
        putArrays();
    }

    /** Changes one golden output. */
    public TestBundle withOutput(int picture, int index, double value) {
        outputs[picture * CLASSES + index] = value;
        putArrays();
        return this;
    }

    /** Changes one preprocessed value, and the output that follows from it. */
    public TestBundle withInput(int picture, int index, float value) {
        inputs[picture * VALUES + index] = value;
        outputs[picture * CLASSES + index] = value;
        putArrays();
        return this;
    }

    /** Puts another value into model.json, below its top. */
    public TestBundle with(String key, JsonElement value) {
        modelJson.add(key, value);
        return this;
    }

    /** Adds what a debug bundle holds: three blocks, each of one value for each picture input. */
    public TestBundle withDebug(double... blocks) {
        JsonObject debug = new JsonObject();
        debug.addProperty("model", "debug/blocks.onnx");
        debug.addProperty("picture", 2);
        debug.addProperty("values", "debug/blocks.npz");
        JsonArray list = new JsonArray();
        Map<String, NpyArray> values = new LinkedHashMap<>();
        for (int i = 0; i < blocks.length; i++) {
            JsonObject block = new JsonObject();
            block.addProperty("name", "body." + i);
            block.addProperty("output", "block" + i);
            block.addProperty("max", 0.1);
            block.addProperty("rms", 0.1);
            list.add(block);
            values.put("block." + i, NpyArray.of(new double[] {blocks[i]}, 1, 1));
        }
        debug.add("blocks", list);
        files.put("debug/blocks.onnx", new byte[] {1});
        files.put("debug/blocks.npz", Npz.format(values));
        return with("debug", debug);
    }

    private void putArrays() {
        files.put("golden/pixels.npy", Npy.format(NpyArray.of(pixels, COUNT, SIDE, SIDE, 3)));
        files.put("golden/inputs.npy", Npy.format(NpyArray.of(inputs, COUNT, 3, SIDE, SIDE)));
        files.put("golden/outputs.npy", Npy.format(NpyArray.of(outputs, COUNT, CLASSES)));
    }

    /** All files, model.json with the hashes of the others. */
    public Map<String, byte[]> content() {
        JsonObject hashes = new JsonObject();
        files.forEach((name, content) -> {
            JsonObject file = new JsonObject();
            file.addProperty("sha256", Sha256.of(content));
            file.addProperty("bytes", content.length);
            hashes.add(name, file);
        });
        modelJson.add("files", hashes);
        Map<String, byte[]> content = new LinkedHashMap<>(files);
        content.put("model.json", modelJson.toString().getBytes(StandardCharsets.UTF_8));
        return content;
    }

    /** Writes it into a folder. */
    public Path write(Path folder) throws IOException {
        for (Map.Entry<String, byte[]> file : content().entrySet()) {
            Files.createDirectories(folder.resolve(file.getKey()).getParent());
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        return folder;
    }

    /** As an archive. */
    public byte[] zip() throws IOException {
        return zip(content());
    }

    /** An archive of any files. */
    public static byte[] zip(Map<String, byte[]> content) throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(archive)) {
            for (Map.Entry<String, byte[]> file : content.entrySet()) {
                zip.putNextEntry(new ZipEntry(file.getKey()));
                zip.write(file.getValue());
            }
        }
        return archive.toByteArray();
    }
}
