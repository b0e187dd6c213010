package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.sscdeploy.core.classify.OutputKind;
import org.sscdeploy.core.engine.TensorSpec;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** Reads model.json as {@code ssc_deploy/schemas/model.schema.json} has it, and what ties its keys to each other. */
final class ManifestReader {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern NO_CONTROL = Pattern.compile("[^\\u0000-\\u001f\\u007f]*");
    private static final int MOST_CLASSES = 100_000;

    /** Of float32, as {@code ssc_deploy/metadata.py} has it. */
    private static final double LARGEST_INPUT = 3.4e38;

    private final Path folder;
    private final Map<String, FileEntry> files = new LinkedHashMap<>();

    ManifestReader(Path folder) {
        this.folder = folder;
    }

    Manifest read(JsonNode json) throws JsonException {
        checkVersion(json);
        json.only("schema_version", "name", "source_sha256", "made_by", "models", "preprocessing", "labels", "output_kind",
            "golden", "debug", "files");
        readFiles(json.at("files"));
        List<String> labels = new ArrayList<>();
        for (JsonNode label : json.at("labels").items(1, MOST_CLASSES)) {
            labels.add(line(label));
        }
        Preprocessing preprocessing = preprocessing(json.at("preprocessing"));
        List<ModelEntry> models = new ArrayList<>();
        for (JsonNode model : json.at("models").items(1, 8)) {
            models.add(model(model, preprocessing, labels.size()));
        }
        GoldenInfo golden = golden(json.at("golden"), labels.size());
        checkTwice(models, golden);
        JsonNode debug = json.at("debug");
        JsonNode source = json.at("source_sha256");
        return new Manifest(name(json.at("name")),
            source.text(64).isEmpty() ? "" : source.text(SHA256, "a SHA-256"),
            texts(json.at("made_by"), 1), Collections.unmodifiableList(models), preprocessing,
            Collections.unmodifiableList(labels), outputKind(json), golden,
            debug.isNull() ? Optional.empty() : Optional.of(debug(debug, golden.count)),
            Collections.unmodifiableMap(files));
    }

    /** Bundles of before kinds were said are of scores. */
    private static OutputKind outputKind(JsonNode json) throws JsonException {
        return json.has("output_kind") ? OutputKind.values()[json.at("output_kind").choice(OutputKind.texts())]
            : OutputKind.SCORES;
    }

    private static void checkVersion(JsonNode json) throws JsonException {
        long version = json.at("schema_version").whole(Long.MIN_VALUE, Long.MAX_VALUE);
        if (version != Bundle.SCHEMA_VERSION) {
            throw new JsonException("it is of schema version " + version + ", this app of " + Bundle.SCHEMA_VERSION
                + "; make the bundle and the app with the same version of ssc-deploy");
        }
    }

    private static void checkTwice(List<ModelEntry> models, GoldenInfo golden) throws JsonException {
        Set<String> seen = new HashSet<>();
        for (ModelEntry model : models) {
            once(seen, model.file(), "two models are of one file");
        }
        for (GoldenPicture picture : golden.pictures) {
            once(seen, picture.file(), "two golden pictures are of one file");
        }
    }

    private static void once(Set<String> seen, String name, String message) throws JsonException {
        if (!seen.add(name)) {
            throw new JsonException(message + ", '" + shown(name) + "'");
        }
    }

    /** Names that one file system or another takes for the same, or that need a file to be a folder. */
    private void checkNames() throws JsonException {
        Set<String> seen = new HashSet<>();
        for (String name : files.keySet()) {
            once(seen, name.toLowerCase(Locale.ROOT), "two files differ in capitals alone");
        }
        for (String name : seen) {
            for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
                if (seen.contains(name.substring(0, slash))) {
                    throw new JsonException("the file '" + shown(name) + "' lies below another file");
                }
            }
        }
    }

    private void readFiles(JsonNode json) throws JsonException {
        for (Map.Entry<String, JsonNode> entry : json.entries(BundleLimits.MOST_FILES).entrySet()) {
            if (!BundlePath.isSafe(entry.getKey())) {
                throw new JsonException("a file is called '" + shown(entry.getKey()) + "', which may lead out of it");
            }
            if (entry.getKey().equals(Bundle.MODEL_JSON)) {
                throw new JsonException("files names model.json itself");
            }
            JsonNode file = entry.getValue();
            file.only("sha256", "bytes");
            files.put(entry.getKey(), new FileEntry(
                file.at("sha256").text(SHA256, "a SHA-256"), file.at("bytes").whole(1, Integer.MAX_VALUE)));
        }
        checkNames();
    }

    private ModelEntry model(JsonNode json, Preprocessing wanted, int classes) throws JsonException {
        json.only("file", "format", "layout", "input", "output", "lowering", "runtimes");
        String format = json.at("format").choice("onnx", "tflite") == 0 ? "onnx" : "tflite";
        Layout layout = Layout.values()[json.at("layout").choice("NCHW", "NHWC")];
        TensorSpec input = tensor(json.at("input"), 4);
        TensorSpec output = tensor(json.at("output"), 2);
        int channels = wanted.colour().channels();
        TensorSpec fits = new TensorSpec(input.name(), layout == Layout.NCHW
            ? new int[] {1, channels, wanted.height(), wanted.width()}
            : new int[] {1, wanted.height(), wanted.width(), channels}, "float32");
        if (!input.equals(fits)) {
            throw new JsonException(json.where() + " takes " + input + ", and the preprocessing makes " + fits);
        }
        if (output.shape()[1] != classes) {
            throw new JsonException("there are " + classes + " labels, and " + json.where() + " has "
                + output.shape()[1] + " outputs");
        }
        String file = file(json.at("file"));
        if (!file.endsWith("." + format)) {
            throw new JsonException(json.where() + " is " + format + ", and its file does not end so");
        }
        return new ModelEntry(folder.resolve(file), file, format, layout, input, output,
            texts(json.at("lowering"), 0), texts(json.at("runtimes"), 0));
    }

    private static TensorSpec tensor(JsonNode json, int axes) throws JsonException {
        json.only("name", "shape", "dtype");
        int[] shape = new int[axes];
        List<JsonNode> sides = json.at("shape").items(axes, axes);
        for (int i = 0; i < axes; i++) {
            shape[i] = (int) sides.get(i).whole(1, i == 0 ? 1 : 100_000);
        }
        json.at("dtype").choice("float32");
        return new TensorSpec(name(json.at("name")), shape, "float32");
    }

    private static Preprocessing preprocessing(JsonNode json) throws JsonException {
        json.only("width", "height", "resize", "colour", "mean", "std");
        int width = (int) json.at("width").whole(1, 100_000);
        int height = (int) json.at("height").whole(1, 100_000);
        if ((long) width * height > BundleLimits.MOST_PIXELS) {
            throw new JsonException("the network takes pictures of " + width + "x" + height + ", which is too large");
        }
        Preprocessing.Colour colour = Preprocessing.Colour.values()[json.at("colour").choice("RGB", "BGR", "L")];
        float[] mean = floats(json.at("mean"), colour.channels(), -1e30);
        float[] std = floats(json.at("std"), colour.channels(), 1e-30);
        for (int c = 0; c < mean.length; c++) {
            if ((Math.abs((double) mean[c]) + 1) / std[c] > LARGEST_INPUT) {
                throw new JsonException("a mean of " + mean[c] + " with a std of " + std[c] + " leaves float32");
            }
        }
        return new Preprocessing(width, height,
            json.at("resize").choice("none", "shorter-side-bilinear-center-crop") == 1, colour, mean, std);
    }

    private static float[] floats(JsonNode json, int count, double least) throws JsonException {
        float[] values = new float[count];
        List<JsonNode> items = json.items(count, count);
        for (int i = 0; i < count; i++) {
            values[i] = (float) items.get(i).number(least, 1e30);
        }
        return values;
    }

    private GoldenInfo golden(JsonNode json, int classes) throws JsonException {
        json.only("count", "pixels", "inputs", "outputs", "pictures", "tolerance");
        int count = (int) json.at("count").whole(16, 1000);
        List<GoldenPicture> pictures = new ArrayList<>();
        for (JsonNode picture : json.at("pictures").items(count, count)) {
            picture.only("file", "label");
            JsonNode label = picture.at("label");
            String file = file(picture.at("file"));
            pictures.add(new GoldenPicture(folder.resolve(file), file,
                label.isNull() ? OptionalInt.empty() : OptionalInt.of((int) label.whole(0, classes - 1))));
        }
        json.at("tolerance").only("max", "rms", "axes");
        Tolerance tolerance = ToleranceJson.read(json.at("tolerance"));
        if (!tolerance.fits(1, classes)) {
            throw new JsonException(json.at("tolerance").where() + " has bounds for other outputs than [1, " + classes
                + "]");
        }
        return new GoldenInfo(count, file(json.at("pixels")), file(json.at("inputs")), file(json.at("outputs")),
            Collections.unmodifiableList(pictures), tolerance);
    }

    private DebugInfo debug(JsonNode json, int count) throws JsonException {
        json.only("model", "picture", "values", "blocks");
        Set<String> seen = new HashSet<>();
        List<DebugBlock> blocks = new ArrayList<>();
        for (JsonNode block : json.at("blocks").items(1, 10_000)) {
            block.only("name", "output", "max", "rms", "axes");
            once(seen, name(block.at("output")), "two blocks are of one output");
            blocks.add(new DebugBlock(name(block.at("name")), name(block.at("output")), ToleranceJson.read(block)));
        }
        return new DebugInfo(folder.resolve(file(json.at("model"))), (int) json.at("picture").whole(0, count - 1),
            folder.resolve(file(json.at("values"))), Collections.unmodifiableList(blocks));
    }

    /** A file that {@code files} names, too. */
    private String file(JsonNode json) throws JsonException {
        String name = json.text(1000);
        if (!files.containsKey(name)) {
            throw new JsonException(json.where() + " is '" + shown(name) + "', which files does not name");
        }
        return name;
    }

    private static Map<String, String> texts(JsonNode json, int least) throws JsonException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : json.entries(100).entrySet()) {
            texts.put(entry.getKey(), line(entry.getValue()));
        }
        if (texts.size() < least) {
            throw new JsonException(json.where() + " is empty");
        }
        return Collections.unmodifiableMap(texts);
    }

    private static String name(JsonNode json) throws JsonException {
        String name = line(json);
        if (name.isEmpty()) {
            throw new JsonException(json.where() + " is empty");
        }
        return name;
    }

    private static String line(JsonNode json) throws JsonException {
        return json.text(NO_CONTROL, "one line of text");
    }

    private static String shown(String name) {
        String printable = name.replaceAll("\\p{Cntrl}", "?");
        return printable.length() > 60 ? printable.substring(0, 60) + "..." : printable;
    }
}
