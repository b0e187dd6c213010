package org.sscdeploy.engine.tflite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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
        inputs = specs(interpreter.getInputTensorCount(), interpreter::getInputTensor);
        outputs = specs(interpreter.getOutputTensorCount(), interpreter::getOutputTensor);
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
        inputs.get(index).check(value);
        ByteBuffer buffer = (ByteBuffer) given[index];
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(Math.multiplyExact(Float.BYTES, value.data().length))
                .order(ByteOrder.nativeOrder());
            given[index] = buffer;
        }
        buffer.asFloatBuffer().put(value.data()); // a view, so that the position stays 0
    }

    @Override
    public void setBytes(int index, byte[] values) throws EngineException {
        inputs.get(index).check(values);
        ByteBuffer buffer = (ByteBuffer) given[index];
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(values.length).order(ByteOrder.nativeOrder());
            given[index] = buffer;
        }
        buffer.duplicate().put(values); // a duplicate, so that the position stays 0
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
                "the runtime fails while it runs the file: " + EngineException.firstLine(error), error);
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
    public byte[] bytes(int index) throws EngineException {
        if (!ran) {
            throw new EngineException(FailureKind.FAILED, "its output " + outputs.get(index) + " is not there");
        }
        Tensor tensor = interpreter.getOutputTensor(index);
        if (tensor.dataType() != DataType.INT8 && tensor.dataType() != DataType.UINT8) {
            throw new EngineException(
                FailureKind.REFUSED, "its output " + outputs.get(index) + " holds no integers of 8 bits");
        }
        byte[] data = new byte[tensor.numElements()];
        tensor.asReadOnlyBuffer().get(data);
        return data;
    }

    @Override
    public void close() {
        ran = false;
        interpreter.close(); // again does nothing
    }

    private static List<TensorSpec> specs(int count, IntFunction<Tensor> tensors) {
        return IntStream.range(0, count).mapToObj(tensors).map(tensor -> new TensorSpec(
            tensor.name(), tensor.shape(), tensor.dataType().name().toLowerCase(Locale.ROOT)))
            .collect(Collectors.toList());
    }
}
