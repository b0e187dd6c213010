package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sscdeploy.core.classify.OutputKind;
import org.sscdeploy.core.engine.Steps;
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
    private Map<String, FileEntry> files = Map.of();

    ManifestReader(Path folder) {
        this.folder = folder;
    }

    Manifest read(JsonNode json) throws JsonException {
        checkVersion(json);
        json.only("schema_version", "name", "source_sha256", "made_by", "models", "preprocessing", "labels", "output_kind",
            "golden", "debug", "files");
        files = json.at("files").entries(BundleLimits.MOST_FILES, ManifestReader::file);
        checkNames();
        var labels = json.at("labels").items(1, MOST_CLASSES, ManifestReader::line);
        Preprocessing preprocessing = preprocessing(json.at("preprocessing"));
        var models = json.at("models").items(1, 8, model -> model(model, preprocessing, labels.size()));
        GoldenInfo golden = golden(json.at("golden"), labels.size());
        once(models.stream().map(ModelEntry::file), "two models are of one file");
        once(Stream.concat(models.stream().map(ModelEntry::file), golden.pictures().stream().map(GoldenPicture::file)),
            "two golden pictures are of one file");
        JsonNode source = json.at("source_sha256");
        return new Manifest(name(json.at("name")),
            source.text(64).isEmpty() ? "" : source.text(SHA256, "a SHA-256"),
            texts(json.at("made_by"), 1), models, preprocessing, labels, outputKind(json), golden,
            json.at("debug").unlessNull(debug -> debug(debug, golden.count())), files);
    }

    /** Bundles that do not say the kind of their outputs are of scores. */
    private static OutputKind outputKind(JsonNode json) throws JsonException {
        return json.has("output_kind") ? json.at("output_kind").choice(OutputKind.values(), OutputKind::text)
            : OutputKind.SCORES;
    }

    private static void checkVersion(JsonNode json) throws JsonException {
        long version = json.at("schema_version").whole(Long.MIN_VALUE, Long.MAX_VALUE);
        if (version != Bundle.SCHEMA_VERSION) {
            throw new JsonException("it is of schema version " + version + ", this app of " + Bundle.SCHEMA_VERSION
                + "; make the bundle and the app with the same version of ssc-deploy");
        }
    }

    private static void once(Stream<String> names, String message) throws JsonException {
        Set<String> seen = new HashSet<>();
        var again = names.filter(name -> !seen.add(name)).findFirst();
        if (again.isPresent()) {
            throw new JsonException(message + ", " + JsonNode.quoted(again.get()));
        }
    }

    /** Names that lead elsewhere, that a file system takes for the same, or that need a file to be a folder. */
    private void checkNames() throws JsonException {
        for (String name : files.keySet()) {
            if (!BundlePath.isSafe(name)) {
                throw new JsonException("a file is called " + JsonNode.quoted(name) + ", which may lead out of it");
            }
        }
        if (files.containsKey(Bundle.MODEL_JSON)) {
            throw new JsonException("files names model.json itself");
        }
        once(files.keySet().stream().map(ManifestReader::lower), "two files differ in capitals alone");
        Set<String> names = files.keySet().stream().map(ManifestReader::lower).collect(Collectors.toSet());
        for (String name : names) {
            for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
                if (names.contains(name.substring(0, slash))) {
                    throw new JsonException("the file " + JsonNode.quoted(name) + " lies below another file");
                }
            }
        }
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static FileEntry file(JsonNode json) throws JsonException {
        json.only("sha256", "bytes");
        return new FileEntry(json.at("sha256").text(SHA256, "a SHA-256"), json.at("bytes").whole(1, Integer.MAX_VALUE));
    }

    private ModelEntry model(JsonNode json, Preprocessing wanted, int classes) throws JsonException {
        json.only("file", "format", "layout", "input", "output", "lowering", "runtimes");
        String format = json.at("format").choice("onnx", "tflite");
        Layout layout = json.at("layout").choice(Layout.values(), Layout::name);
        TensorSpec input = tensor(json.at("input"), 4);
        TensorSpec output = tensor(json.at("output"), 2);
        int channels = wanted.colour().channels();
        TensorSpec fits = new TensorSpec(input.name(), layout == Layout.NCHW
            ? new int[] {1, channels, wanted.height(), wanted.width()}
            : new int[] {1, wanted.height(), wanted.width(), channels}, "float32");
        if (!Arrays.equals(input.shape(), fits.shape())) {
            throw new JsonException(json.where() + " takes " + input + ", and the preprocessing makes " + fits);
        }
        if (output.shape()[1] != classes) {
            throw new JsonException("there are " + classes + " labels, and " + json.where() + " has "
                + output.shape()[1] + " outputs");
        }
        String file = named(json.at("file"));
        if (!file.endsWith("." + format)) {
            throw new JsonException(json.where() + " is " + format + ", and its file does not end so");
        }
        return new ModelEntry(folder.resolve(file), file, format, layout, input, output,
            texts(json.at("lowering"), 0), texts(json.at("runtimes"), 0));
    }

    private static TensorSpec tensor(JsonNode json, int axes) throws JsonException {
        json.only("name", "shape", "dtype", "steps");
        var shape = json.at("shape").items(axes, axes, side -> (int) side.whole(1, 100_000));
        if (shape.get(0) != 1) {
            throw new JsonException(json.at("shape").where() + "[0] is " + shape.get(0) + "; it may be 1 to 1");
        }
        String dtype = json.at("dtype").choice("float32", "int8", "uint8");
        Optional<Steps> steps = json.has("steps") ? json.at("steps").unlessNull(ManifestReader::steps)
            : Optional.empty();
        boolean real = dtype.equals("float32");
        if (real == steps.isPresent()) {
            throw new JsonException(json.where() + " is of " + dtype + (real ? ", and has steps of integers"
                : ", and has no steps"));
        }
        int low = dtype.equals("int8") ? Byte.MIN_VALUE : 0;
        if (steps.isPresent() && (steps.get().zeroPoint() < low || steps.get().zeroPoint() > low + 255)) {
            throw new JsonException(
                json.where() + " is of " + dtype + ", and its zero point is " + steps.get().zeroPoint());
        }
        return new TensorSpec(
            name(json.at("name")), shape.stream().mapToInt(Integer::intValue).toArray(), dtype, steps);
    }

    private static Steps steps(JsonNode json) throws JsonException {
        json.only("scale", "zero_point");
        return new Steps(json.at("scale").number(1e-30, 1e30), (int) json.at("zero_point").whole(-128, 255));
    }

    private static Preprocessing preprocessing(JsonNode json) throws JsonException {
        json.only("width", "height", "resize", "colour", "mean", "std");
        int width = (int) json.at("width").whole(1, 100_000);
        int height = (int) json.at("height").whole(1, 100_000);
        if ((long) width * height > BundleLimits.MOST_PIXELS) {
            throw new JsonException("the network takes pictures of " + width + "x" + height + ", which is too large");
        }
        Preprocessing.Colour colour =
            json.at("colour").choice(Preprocessing.Colour.values(), Preprocessing.Colour::name);
        float[] mean = floats(json.at("mean"), colour.channels(), -1e30);
        float[] std = floats(json.at("std"), colour.channels(), 1e-30);
        for (int c = 0; c < mean.length; c++) {
            if ((Math.abs((double) mean[c]) + 1) / std[c] > LARGEST_INPUT) {
                throw new JsonException("a mean of " + mean[c] + " with a std of " + std[c] + " leaves float32");
            }
        }
        boolean resizes = !json.at("resize").choice("none", "shorter-side-bilinear-center-crop").equals("none");
        return new Preprocessing(width, height, resizes, colour, mean, std);
    }

    private static float[] floats(JsonNode json, int count, double least) throws JsonException {
        var values = json.items(count, count, item -> item.number(least, 1e30));
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = values.get(i).floatValue();
        }
        return floats;
    }

    private GoldenInfo golden(JsonNode json, int classes) throws JsonException {
        json.only("count", "pixels", "inputs", "outputs", "pictures", "tolerance");
        int count = (int) json.at("count").whole(16, 1000);
        var pictures = json.at("pictures").items(count, count, picture -> {
            picture.only("file", "label");
            String file = named(picture.at("file"));
            return new GoldenPicture(folder.resolve(file), file,
                picture.at("label").unlessNull(label -> (int) label.whole(0, classes - 1)));
        });
        json.at("tolerance").only("max", "rms", "axes");
        Tolerance tolerance = ToleranceJson.read(json.at("tolerance"));
        if (!tolerance.fits(1, classes)) {
            throw new JsonException(json.at("tolerance").where() + " has bounds for other outputs than [1, " + classes
                + "]");
        }
        return new GoldenInfo(count, named(json.at("pixels")), named(json.at("inputs")), named(json.at("outputs")),
            pictures, tolerance);
    }

    private DebugInfo debug(JsonNode json, int count) throws JsonException {
        json.only("model", "picture", "values", "blocks");
        var blocks = json.at("blocks").items(1, 10_000, block -> {
            block.only("name", "output", "max", "rms", "axes");
            return new DebugBlock(name(block.at("name")), name(block.at("output")), ToleranceJson.read(block));
        });
        once(blocks.stream().map(DebugBlock::output), "two blocks are of one output");
        return new DebugInfo(folder.resolve(named(json.at("model"))), (int) json.at("picture").whole(0, count - 1),
            folder.resolve(named(json.at("values"))), blocks);
    }

    /** A file that {@code files} names, too. */
    private String named(JsonNode json) throws JsonException {
        String name = json.text(1000);
        if (!files.containsKey(name)) {
            throw new JsonException(json.where() + " is " + JsonNode.quoted(name) + ", which files does not name");
        }
        return name;
    }

    private static Map<String, String> texts(JsonNode json, int least) throws JsonException {
        Map<String, String> texts = json.entries(100, ManifestReader::line);
        if (texts.size() < least) {
            throw new JsonException(json.where() + " is empty");
        }
        return texts;
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
}
