package org.sscdeploy.core.engine;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Optional;
import org.junit.Test;
import org.sscdeploy.core.TestFolders;

public class StepsTest {

    @Test
    public void integersAndTheirNumbersAreThoseOfPythonBitForBit() throws Exception {
        for (JsonElement element : TestFolders.fixture("steps.json").getAsJsonArray()) {
            JsonObject one = element.getAsJsonObject();
            boolean signed = one.get("dtype").getAsString().equals("int8");
            Steps steps = new Steps(one.get("scale").getAsDouble(), one.get("zero_point").getAsInt());
            byte[] integers = steps.integers(floats(one.getAsJsonArray("numbers")), signed);
            JsonArray expected = one.getAsJsonArray("integers");
            assertEquals(expected.size(), integers.length);
            for (int i = 0; i < integers.length; i++) {
                assertEquals(expected.get(i).getAsInt(), signed ? integers[i] : integers[i] & 0xFF);
            }
            assertArrayEquals(floats(one.getAsJsonArray("real")), steps.numbers(integers, signed), 0);
        }
    }

    @Test
    public void aModelOfIntegersIsGivenAndGivesRealNumbers() throws Exception {
        TensorSpec input = new TensorSpec("in", new int[] {1, 3}, "uint8", Optional.of(new Steps(0.5, 100)));
        TensorSpec output = new TensorSpec("out", new int[] {1, 3}, "int8", Optional.of(new Steps(2, -1)));
        Echo echo = new Echo(input, output);
        LoadedModel model = RealModel.of(echo, input, output);
        model.setInput(0, new Tensor(new float[] {0, 1, 1000}, 1, 3));
        model.run();
        assertArrayEquals(new byte[] {100, 102, (byte) 255}, echo.held);
        // The bytes of the input, read as those of the output.
        assertArrayEquals(new float[] {202, 206, 0}, model.output(0).data(), 0);
        assertThrows(EngineException.class, () -> model.setInput(0, new Tensor(new float[] {0, 1}, 1, 2)));
        assertThrows(EngineException.class, () -> input.check(new byte[4]));
    }

    @Test
    public void aModelOfRealNumbersStaysWhatItIs() {
        TensorSpec real = new TensorSpec("in", new int[] {1, 3}, "float32");
        Echo echo = new Echo(real, real);
        assertSame(echo, RealModel.of(echo, real, real));
        assertEquals(FailureKind.REFUSED,
            assertThrows(EngineException.class, () -> real.check(new byte[3])).kind());
    }

    private static float[] floats(JsonArray values) {
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values.get(i).getAsDouble();
        }
        return floats;
    }

    /** Gives back the bytes that it was given. */
    private static final class Echo implements LoadedModel {
        private final TensorSpec input;
        private final TensorSpec output;
        private byte[] held = {};

        Echo(TensorSpec input, TensorSpec output) {
            this.input = input;
            this.output = output;
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(input);
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(output);
        }

        @Override
        public void setInput(int index, Tensor value) throws EngineException {
            input.check(value);
        }

        @Override
        public void setBytes(int index, byte[] values) throws EngineException {
            input.check(values);
            held = values;
        }

        @Override
        public void run() { }

        @Override
        public Tensor output(int index) throws EngineException {
            throw new EngineException(FailureKind.REFUSED, "it holds integers");
        }

        @Override
        public byte[] bytes(int index) {
            return held;
        }

        @Override
        public void close() { }
    }
}
