package org.sscdeploy.engine.tflite;

import java.nio.file.Path;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.TensorFlowLite;

/**
 * TensorFlow Lite, on the CPU with or without XNNPACK, or through NNAPI.
 *
 * <p>The library of 2.16.1 is built for memory pages of 4 KB; a device with pages of 16 KB refuses it, which
 * {@link #load} says in a sentence.
 */
public final class TfliteEngine implements Engine {
    @Override
    public String id() {
        return "tflite";
    }

    @Override
    public String version() {
        try {
            return TensorFlowLite.runtimeVersion();
        } catch (LinkageError | RuntimeException error) {
            return "";
        }
    }

    @Override
    public String format() {
        return "tflite";
    }

    @Override
    public LoadedModel load(Path file, EngineOptions options) throws EngineException {
        Interpreter interpreter = null;
        try {
            TensorFlowLite.init();
            interpreter = new Interpreter(file.toFile(), settings(options));
            interpreter.allocateTensors();
            return new TfliteModel(interpreter);
        } catch (LinkageError error) {
            throw noRuntime(error);
        } catch (RuntimeException error) { // IllegalArgument and IllegalState, whatever is wrong with the file
            if (interpreter != null) {
                interpreter.close();
            }
            throw isMissingLibrary(error) ? noRuntime(error) : new EngineException(
                FailureKind.REFUSED, "the runtime refuses it: " + EngineException.firstLine(error), error);
        }
    }

    private static Interpreter.Options settings(EngineOptions options) {
        Interpreter.Options settings = new Interpreter.Options();
        settings.setNumThreads(options.threads());
        settings.setUseXNNPACK(options.xnnpack() && !options.nnapi());
        settings.setUseNNAPI(options.nnapi());
        return settings;
    }

    private static boolean isMissingLibrary(Throwable error) {
        return error instanceof LinkageError || error.getCause() != null && isMissingLibrary(error.getCause());
    }

    private static EngineException noRuntime(Throwable error) {
        return new EngineException(FailureKind.NO_RUNTIME, "TensorFlow Lite's library cannot be loaded on this device ("
            + EngineException.firstLine(error) + "); it is built for memory pages of 4 KB, and some devices have "
            + "larger ones: use ONNX Runtime there", error);
    }
}
