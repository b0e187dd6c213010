package org.sscdeploy.core.engine;

import java.nio.file.Path;

/** A runtime for models: ONNX Runtime or TFLite. It can be used on any thread. */
public interface Engine {

    /** {@code "onnxruntime"} or {@code "tflite"}: the name of its package. */
    String id();

    /**
     * Version of the runtime, e.g. {@code "1.26.0"}; empty where its library cannot be loaded here, which
     * {@link #load} then says in a sentence.
     */
    String version();

    /** Format of the files that it runs, {@code "onnx"} or {@code "tflite"}; also their suffix. */
    String format();

    /**
     * Loads a model, so that it can be run.
     *
     * @return the model; whoever asked for it closes it
     * @throws EngineException the runtime is not there ({@link FailureKind#NO_RUNTIME}), or does not take the file or
     *     the options ({@link FailureKind#REFUSED})
     */
    LoadedModel load(Path file, EngineOptions options) throws EngineException;
}
