package org.sscdeploy.engine.ort;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.Test;
import org.sscdeploy.core.engine.TensorSpec;

public class OrtModelTest {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final Map<String, OnnxTensor> pinned = new LinkedHashMap<>();

    private static TensorSpec spec(String name, int... shape) {
        return new TensorSpec(name, shape, "float32");
    }

    @Test
    public void whereOneOutputHasNoBufferTheOthersAreGivenBack() {
        assertThrows(IllegalArgumentException.class, () -> OrtModel.pin(
            environment, Arrays.asList(spec("small", 1, 4), spec("huge", 100_000, 100_000)), pinned));
        assertEquals(1, pinned.size());
        assertTrue(pinned.get("small").isClosed());
    }

    @Test
    public void outputsWhoseSizeIsKnownHaveBuffersOfTheirOwn() throws Exception {
        OrtModel.pin(environment, Arrays.asList(spec("known", 1, 4), spec("unknown", -1, 4),
            new TensorSpec("whole", new int[] {1}, "int64")), pinned);
        assertEquals("[known]", pinned.keySet().toString());
        assertFalse(pinned.get("known").isClosed());
        pinned.get("known").close();
    }
}
