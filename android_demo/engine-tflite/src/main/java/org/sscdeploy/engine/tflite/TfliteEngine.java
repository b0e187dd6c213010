package org.sscdeploy.engine.tflite;

import java.nio.file.Path;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.LoadedModel;

/** TensorFlow Lite. */
public final class TfliteEngine implements Engine {

    /** Loads nothing yet. */
    public TfliteEngine() { }

    @Override
    public String id() {
        return "tflite";
    }

    @Override
    public String version() {
        throw new UnsupportedOperationException();
    }

    @Override
    public String format() {
        return "tflite";
    }

    @Override
    public LoadedModel load(Path file, EngineOptions options) throws EngineException {
        throw new UnsupportedOperationException();
    }
}
