package org.sscdeploy.core.engine;

/**
 * How a model is to be run.
 *
 * <p>An engine that does not have what is asked for says so by an {@link EngineException}, and never runs the model
 * another way instead.
 *
 * @param threads of one inference, at least 1
 * @param xnnpack whether TFLite hands its operators to XNNPACK; ONNX Runtime has kernels of its own and ignores it
 * @param nnapi   whether the model goes to Android's NNAPI, which Android 15 deprecates
 */
public record EngineOptions(int threads, boolean xnnpack, boolean nnapi) {
    /** One thread, the engine's own CPU kernels at their best (XNNPACK where it is a choice), no NNAPI. */
    public static final EngineOptions DEFAULT = new EngineOptions(1, true, false);

    public EngineOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + "; it must be at least 1");
        }
    }

    /** The same with so many threads, at least 1. */
    public EngineOptions withThreads(int count) {
        return new EngineOptions(count, xnnpack, nnapi);
    }

    /** The same with or without XNNPACK. */
    public EngineOptions withXnnpack(boolean on) {
        return new EngineOptions(threads, on, nnapi);
    }

    /** The same with or without NNAPI. */
    public EngineOptions withNnapi(boolean on) {
        return new EngineOptions(threads, xnnpack, on);
    }

    @Override
    public String toString() {
        return threads + (threads == 1 ? " thread" : " threads") + (xnnpack ? "" : ", without XNNPACK")
            + (nnapi ? ", NNAPI" : "");
    }
}
