package org.sscdeploy.engine.tflite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.TensorSpec;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;

/**
 * A model in an interpreter of TFLite.
 *
 * <p>Its Java interface copies the inputs into the interpreter at each run; outputs are read afterwards where they are.
 * So a timed run has one copy of the input in it.
 */
final class TfliteModel implements LoadedModel {
    private final Interpreter interpreter;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final Object[] given;
    private final Map<Integer, Object> readAfterwards = new HashMap<>();
    private boolean ran;

    TfliteModel(Interpreter interpreter) {
        this.interpreter = interpreter;
        List<TensorSpec> ins = new ArrayList<>();
        for (int i = 0; i < interpreter.getInputTensorCount(); i++) {
            ins.add(spec(interpreter.getInputTensor(i)));
        }
        List<TensorSpec> outs = new ArrayList<>();
        for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
            outs.add(spec(interpreter.getOutputTensor(i)));
        }
        inputs = Collections.unmodifiableList(ins);
        outputs = Collections.unmodifiableList(outs);
        given = new Object[inputs.size()];
    }

    @Override
    public List<TensorSpec> inputs() {
        return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public void setInput(int index, org.sscdeploy.core.engine.Tensor value) throws EngineException {
        TensorSpec spec = inputs.get(index);
        if (!spec.dtype().equals("float32")) {
            throw new EngineException(
                FailureKind.REFUSED, "its input " + spec + " cannot be given; the app runs models of float32");
        }
        if (!Arrays.equals(value.shape(), spec.shape())) {
            throw new EngineException(FailureKind.FAILED, "it takes " + spec + ", and was given " + value);
        }
        ByteBuffer buffer = (ByteBuffer) given[index];
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(Math.multiplyExact(Float.BYTES, value.data().length))
                .order(ByteOrder.nativeOrder());
            given[index] = buffer;
        }
        buffer.asFloatBuffer().put(value.data()); // a view, so that the position stays 0
    }

    @Override
    public void run() throws EngineException {
        for (Object input : given) {
            if (input == null) {
                throw new EngineException(FailureKind.FAILED, "not all of its inputs were given");
            }
        }
        try {
            interpreter.runForMultipleInputsOutputs(given, readAfterwards);
            ran = true;
        } catch (RuntimeException error) { // the runtime has no class of its own
            throw new EngineException(FailureKind.FAILED,
                "the runtime fails while it runs the file: " + TfliteEngine.firstLine(error), error);
        }
    }

    @Override
    public org.sscdeploy.core.engine.Tensor output(int index) throws EngineException {
        if (!ran) {
            throw new EngineException(FailureKind.FAILED, "its output " + outputs.get(index) + " is not there");
        }
        Tensor tensor = interpreter.getOutputTensor(index);
        if (tensor.dataType() != DataType.FLOAT32) {
            throw new EngineException(FailureKind.REFUSED,
                "its output " + outputs.get(index) + " cannot be read; the app runs models of float32");
        }
        float[] data = new float[tensor.numElements()];
        tensor.asReadOnlyBuffer().order(ByteOrder.nativeOrder()).asFloatBuffer().get(data);
        return new org.sscdeploy.core.engine.Tensor(data, tensor.shape());
    }

    @Override
    public void close() {
        ran = false;
        interpreter.close(); // again does nothing
    }

    private static TensorSpec spec(Tensor tensor) {
        return new TensorSpec(
            tensor.name(), tensor.shape(), tensor.dataType().name().toLowerCase(Locale.ROOT));
    }
}
