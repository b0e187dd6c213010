package org.sscdeploy.engine.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;

/** ONNX Runtime, on the CPU or through NNAPI. */
public final class OrtEngine implements Engine {
    @Override
    public String id() {
        return "onnxruntime";
    }

    @Override
    public String version() {
        try {
            return environment().getVersion();
        } catch (EngineException error) {
            return "";
        }
    }

    @Override
    public String format() {
        return "onnx";
    }

    @Override
    public LoadedModel load(Path file, EngineOptions options) throws EngineException {
        OrtEnvironment environment = environment();
        try (OrtSession.SessionOptions settings = new OrtSession.SessionOptions()) {
            settings.setIntraOpNumThreads(options.threads());
            settings.setInterOpNumThreads(1);
            settings.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            settings.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            if (options.nnapi()) {
                settings.addNnapi();
            }
            return OrtModel.of(environment, environment.createSession(file.toString(), settings));
        } catch (OrtException error) {
            throw new EngineException(
                FailureKind.REFUSED, "the runtime refuses it: " + EngineException.firstLine(error), error);
        }
    }

    /** The one environment of the process; it is never closed, as the runtime asks for. */
    private static OrtEnvironment environment() throws EngineException {
        try {
            OrtEnvironment environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
            environment.setTelemetry(false);
            return environment;
        } catch (OrtException | LinkageError | IllegalStateException error) {
            // A LinkageError of any kind: the library is loaded by a static initialiser.
            String why = EngineException.firstLine(root(error));
            throw new EngineException(
                FailureKind.NO_RUNTIME, "ONNX Runtime's library cannot be loaded on this device: " + why, error);
        }
    }

    private static Throwable root(Throwable error) {
        return error.getCause() == null || error.getCause() == error ? error : root(error.getCause());
    }
}
