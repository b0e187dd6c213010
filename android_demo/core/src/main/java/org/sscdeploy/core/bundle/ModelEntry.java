package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.Map;
import org.sscdeploy.core.engine.TensorSpec;

/**
 * One model file of a bundle.
 *
 * @param path     where the file lies
 * @param file     its name in the bundle
 * @param format   {@code "onnx"} or {@code "tflite"}
 * @param layout   layout of the picture that it takes
 * @param input    [1, C, H, W] or [1, H, W, C], float32 or integers of 8 bits
 * @param output   [1, classes], likewise
 * @param lowering what carries out each kind of movement, e.g. {@code "shift": "depthwise"}
 * @param runtimes versions of the packages that the file was proved on
 */
public record ModelEntry(Path path, String file, String format, Layout layout, TensorSpec input, TensorSpec output,
        Map<String, String> lowering, Map<String, String> runtimes) { }
