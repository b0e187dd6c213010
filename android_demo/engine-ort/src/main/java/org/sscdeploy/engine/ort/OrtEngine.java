package org.sscdeploy.engine.ort;

import java.nio.file.Path;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.LoadedModel;

/** ONNX Runtime. */
public final class OrtEngine implements Engine {

    /** Loads nothing yet. */
    public OrtEngine() { }

    @Override
    public String id() {
        return "onnxruntime";
    }

    @Override
    public String version() {
        throw new UnsupportedOperationException();
    }

    @Override
    public String format() {
        return "onnx";
    }

    @Override
    public LoadedModel load(Path file, EngineOptions options) throws EngineException {
        throw new UnsupportedOperationException();
    }
}
