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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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
    private final Set<String> requested = new LinkedHashSet<>();
    private OrtSession.Result last;
    private boolean closed;

    private OrtModel(OrtEnvironment environment, OrtSession session) throws OrtException {
        this.environment = environment;
        this.session = session;
        inputs = specs(session.getInputInfo().values());
        outputs = specs(session.getOutputInfo().values());
        pin(environment, outputs, pinned);
        for (TensorSpec output : outputs) {
            if (!pinned.containsKey(output.name())) {
                requested.add(output.name());
            }
        }
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
        if (!spec.dtype().equals("float32")) {
            throw new EngineException(
                FailureKind.REFUSED, "its input " + spec + " cannot be given; the app runs models of float32");
        }
        if (!fits(value.shape(), spec.shape())) {
            throw new EngineException(FailureKind.FAILED, "it takes " + spec + ", and was given " + value);
        }
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
        OnnxValue value = last == null ? null : pinned.get(spec.name());
        if (value == null && last != null) {
            value = last.get(spec.name()).orElse(null);
        }
        if (!(value instanceof OnnxTensor)) {
            throw new EngineException(FailureKind.FAILED, "its output " + spec + " is not there");
        }
        OnnxTensor tensor = (OnnxTensor) value;
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
            "the runtime fails while it runs the file: " + OrtEngine.firstLine(error), error);
    }

    private static List<TensorSpec> specs(Collection<NodeInfo> nodes) {
        List<TensorSpec> specs = new ArrayList<>();
        for (NodeInfo node : nodes) {
            boolean tensor = node.getInfo() instanceof TensorInfo;
            specs.add(tensor
                ? new TensorSpec(node.getName(), ints(((TensorInfo) node.getInfo()).getShape()),
                    dtype(((TensorInfo) node.getInfo()).type))
                : new TensorSpec(node.getName(), new int[0], "no array"));
        }
        return Collections.unmodifiableList(specs);
    }

    private static String dtype(OnnxJavaType type) {
        switch (type) {
            case FLOAT:
                return "float32";
            case DOUBLE:
                return "float64";
            default:
                return type.name().toLowerCase(Locale.ROOT);
        }
    }

    private static boolean isFixed(int[] shape) {
        return Arrays.stream(shape).noneMatch(side -> side < 0);
    }

    private static boolean fits(int[] shape, int[] taken) {
        boolean fits = shape.length == taken.length;
        for (int i = 0; fits && i < shape.length; i++) {
            fits = taken[i] < 0 || taken[i] == shape[i];
        }
        return fits;
    }

    private static int[] ints(long[] shape) {
        return Arrays.stream(shape).mapToInt(side -> (int) Math.min(side, Integer.MAX_VALUE)).toArray();
    }

    private static long[] longs(int[] shape) {
        return Arrays.stream(shape).asLongStream().toArray();
    }
}
