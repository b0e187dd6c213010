package org.sscdeploy.engine.ort;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.Shapes;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.engine.TensorSpec;

/** A model in a session of ONNX Runtime. Inputs and outputs lie in buffers of their own, so a run copies neither. */
final class OrtModel implements LoadedModel {
    private final OrtEnvironment environment;
    private final OrtSession session;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final Map<String, OnnxTensor> given = new LinkedHashMap<>();
    private final Map<String, FloatBuffer> inputBuffers = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> pinned = new LinkedHashMap<>();
    private final Set<String> requested;
    private OrtSession.Result last;
    private boolean closed;

    private OrtModel(OrtEnvironment environment, OrtSession session) throws OrtException {
        this.environment = environment;
        this.session = session;
        inputs = specs(session.getInputInfo().values());
        outputs = specs(session.getOutputInfo().values());
        pin(environment, outputs, pinned);
        requested = outputs.stream().map(TensorSpec::name).filter(name -> !pinned.containsKey(name))
            .collect(Collectors.toSet());
    }

    /** Gives each output whose size is known a buffer; where one cannot be had, those before it are given back. */
    static void pin(OrtEnvironment environment, List<TensorSpec> outputs, Map<String, OnnxTensor> pinned)
            throws OrtException {
        try {
            for (TensorSpec output : outputs) {
                if (output.dtype().equals("float32") && isFixed(output.shape())) {
                    pinned.put(output.name(), tensor(environment, buffer(output.shape()), output.shape()));
                }
            }
        } catch (OrtException | RuntimeException | Error error) {
            pinned.values().forEach(OnnxTensor::close);
            throw error;
        }
    }

    /** The model of a session, which it closes; at once where it cannot be used. */
    static OrtModel of(OrtEnvironment environment, OrtSession session) throws OrtException {
        try {
            return new OrtModel(environment, session);
        } catch (OrtException | RuntimeException | Error error) {
            try {
                session.close();
            } catch (OrtException another) {
                error.addSuppressed(another);
            }
            throw error;
        }
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
    public void setInput(int index, Tensor value) throws EngineException {
        TensorSpec spec = inputs.get(index);
        spec.check(value);
        try {
            OnnxTensor there = given.get(spec.name());
            if (there == null || !Arrays.equals(there.getInfo().getShape(), longs(value.shape()))) {
                FloatBuffer buffer = buffer(value.shape());
                OnnxTensor before = given.put(spec.name(), tensor(environment, buffer, value.shape()));
                inputBuffers.put(spec.name(), buffer);
                if (before != null) {
                    before.close();
                }
            }
            inputBuffers.get(spec.name()).duplicate().put(value.data()); // a duplicate, so that the position stays 0
        } catch (OrtException error) {
            throw failed(error);
        }
    }

    @Override
    public void setBytes(int index, byte[] values) throws EngineException {
        TensorSpec spec = inputs.get(index);
        spec.check(values);
        ByteBuffer buffer = ByteBuffer.allocateDirect(values.length).order(ByteOrder.nativeOrder());
        buffer.put(values).rewind();
        OnnxJavaType type = spec.isSigned() ? OnnxJavaType.INT8 : OnnxJavaType.UINT8;
        try {
            OnnxTensor before =
                given.put(spec.name(), OnnxTensor.createTensor(environment, buffer, longs(spec.shape()), type));
            if (before != null) {
                before.close();
            }
        } catch (OrtException error) {
            throw failed(error);
        }
    }

    @Override
    public void run() throws EngineException {
        try {
            if (last != null) {
                last.close(); // what is pinned stays
            }
            last = session.run(given, requested, pinned);
        } catch (OrtException | IllegalStateException error) {
            last = null;
            throw failed(error);
        }
    }

    @Override
    public Tensor output(int index) throws EngineException {
        TensorSpec spec = outputs.get(index);
        OnnxTensor tensor = computed(spec);
        if (tensor.getInfo().type != OnnxJavaType.FLOAT) {
            throw new EngineException(
                FailureKind.REFUSED, "its output " + spec + " cannot be read; the app runs models of float32");
        }
        FloatBuffer values = tensor.getFloatBuffer();
        float[] data = new float[values.remaining()];
        values.get(data);
        return new Tensor(data, ints(tensor.getInfo().getShape()));
    }

    @Override
    public byte[] bytes(int index) throws EngineException {
        TensorSpec spec = outputs.get(index);
        OnnxTensor tensor = computed(spec);
        OnnxJavaType type = tensor.getInfo().type;
        if (type != OnnxJavaType.INT8 && type != OnnxJavaType.UINT8) {
            throw new EngineException(
                FailureKind.REFUSED, "its output " + spec + " holds no integers of 8 bits");
        }
        ByteBuffer values = tensor.getByteBuffer();
        byte[] data = new byte[values.remaining()];
        values.get(data);
        return data;
    }

    private OnnxTensor computed(TensorSpec spec) throws EngineException {
        OnnxValue value = last == null ? null : pinned.get(spec.name());
        if (value == null && last != null) {
            value = last.get(spec.name()).orElse(null);
        }
        if (!(value instanceof OnnxTensor tensor)) {
            throw new EngineException(FailureKind.FAILED, "its output " + spec + " is not there");
        }
        return tensor;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (last != null) {
            last.close();
            last = null;
        }
        given.values().forEach(OnnxTensor::close);
        pinned.values().forEach(OnnxTensor::close);
        try {
            session.close();
        } catch (OrtException error) {
            throw new IllegalStateException("ONNX Runtime cannot close a session", error);
        }
    }

    private static OnnxTensor tensor(OrtEnvironment environment, FloatBuffer buffer, int[] shape) throws OrtException {
        return OnnxTensor.createTensor(environment, buffer, longs(shape));
    }

    private static FloatBuffer buffer(int[] shape) {
        return ByteBuffer.allocateDirect(Math.multiplyExact(Float.BYTES, Shapes.elements(shape)))
            .order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    private static EngineException failed(Exception error) {
        return new EngineException(FailureKind.FAILED,
            "the runtime fails while it runs the file: " + EngineException.firstLine(error), error);
    }

    private static List<TensorSpec> specs(Collection<NodeInfo> nodes) {
        return nodes.stream().map(node -> node.getInfo() instanceof TensorInfo tensor
            ? new TensorSpec(node.getName(), ints(tensor.getShape()), dtype(tensor.type))
            : new TensorSpec(node.getName(), new int[0], "no array")).collect(Collectors.toList());
    }

    private static String dtype(OnnxJavaType type) {
        return switch (type) {
            case FLOAT -> "float32";
            case DOUBLE -> "float64";
            default -> type.name().toLowerCase(Locale.ROOT);
        };
    }

    private static boolean isFixed(int[] shape) {
        return Arrays.stream(shape).noneMatch(side -> side < 0);
    }

    private static int[] ints(long[] shape) {
        return Arrays.stream(shape).mapToInt(side -> (int) Math.min(side, Integer.MAX_VALUE)).toArray();
    }

    private static long[] longs(int[] shape) {
        return Arrays.stream(shape).asLongStream().toArray();
    }
}
