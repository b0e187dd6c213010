package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.Map;
import org.sscdeploy.core.engine.TensorSpec;

/** One model file of a bundle. Immutable. */
public final class ModelEntry {
    private final Path path;
    private final String file;
    private final String format;
    private final Layout layout;
    private final TensorSpec input;
    private final TensorSpec output;
    private final Map<String, String> lowering;
    private final Map<String, String> runtimes;

    ModelEntry(Path path, String file, String format, Layout layout, TensorSpec input, TensorSpec output,
            Map<String, String> lowering, Map<String, String> runtimes) {
        this.path = path;
        this.file = file;
        this.format = format;
        this.layout = layout;
        this.input = input;
        this.output = output;
        this.lowering = lowering;
        this.runtimes = runtimes;
    }

    /** Where the file lies. */
    public Path path() {
        return path;
    }

    /** Its name in the bundle. */
    public String file() {
        return file;
    }

    /** {@code "onnx"} or {@code "tflite"}. */
    public String format() {
        return format;
    }

    /** Layout of the picture that it takes. */
    public Layout layout() {
        return layout;
    }

    /** float32 [1, C, H, W] or [1, H, W, C]. */
    public TensorSpec input() {
        return input;
    }

    /** float32 [1, classes]. */
    public TensorSpec output() {
        return output;
    }

    /** What carries out each kind of movement, e.g. {@code "shift": "depthwise"}. */
    public Map<String, String> lowering() {
        return lowering;
    }

    /** Versions of the packages that the file was proved on. */
    public Map<String, String> runtimes() {
        return runtimes;
    }
}
