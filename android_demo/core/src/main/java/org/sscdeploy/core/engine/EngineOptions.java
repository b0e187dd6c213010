package org.sscdeploy.core.engine;

/**
 * How a model is to be run. Immutable.
 *
 * <p>An engine that does not have what is asked for says so by an {@link EngineException}, and never runs the model
 * another way instead.
 */
public final class EngineOptions {
    /** One thread, the engine's own CPU kernels at their best (XNNPACK where it is a choice), no NNAPI. */
    public static final EngineOptions DEFAULT = new EngineOptions(1, true, false);

    private final int threads;
    private final boolean xnnpack;
    private final boolean nnapi;

    private EngineOptions(int threads, boolean xnnpack, boolean nnapi) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + "; it must be at least 1");
        }
        this.threads = threads;
        this.xnnpack = xnnpack;
        this.nnapi = nnapi;
    }

    /** Threads of one inference. */
    public int threads() {
        return threads;
    }

    /** Whether TFLite hands its operators to XNNPACK; ONNX Runtime has kernels of its own and ignores it. */
    public boolean xnnpack() {
        return xnnpack;
    }

    /** Whether the model goes to Android's NNAPI, which Android 15 deprecates. */
    public boolean nnapi() {
        return nnapi;
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
    public boolean equals(Object other) {
        return other instanceof EngineOptions && other.toString().equals(toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }

    @Override
    public String toString() {
        return threads + (threads == 1 ? " thread" : " threads") + (xnnpack ? "" : ", without XNNPACK")
            + (nnapi ? ", NNAPI" : "");
    }
}
