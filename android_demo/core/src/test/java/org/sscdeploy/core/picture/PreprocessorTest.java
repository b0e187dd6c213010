package org.sscdeploy.core.picture;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import org.junit.Test;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.Preprocessing;
import org.sscdeploy.core.bundle.Preprocessing.Colour;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;

public class PreprocessorTest {
    private static final long MOST = 10_000_000;

    @Test
    public void everyPictureBecomesTheSameBitsAsInPython() throws Exception {
        JsonArray cases = TestFolders.fixture("pictures.json").getAsJsonArray();
        assertEquals(200, cases.size());
        for (JsonElement element : cases) {
            JsonObject one = element.getAsJsonObject();
            NpyArray pixels = Npy.read(TestFolders.fixtures().resolve(one.get("pixels").getAsString()), MOST);
            NpyArray expected = Npy.read(TestFolders.fixtures().resolve(one.get("input").getAsString()), MOST);
            Tensor input = new Preprocessor(preprocessing(one)).apply(
                new Pixels(pixels.shape()[1], pixels.shape()[0], pixels.bytes()),
                Layout.valueOf(one.get("layout").getAsString()));
            assertArrayEquals(one.toString(), expected.shape(), input.shape());
            assertArrayEquals(one.toString(), bits(expected.floats()), bits(input.data()));
        }
    }

    @Test
    public void aPictureOfAnotherSizeIsRefusedWhereTheBundleDoesNotResize() throws Exception {
        Preprocessor preprocessor = new Preprocessor(
            new Preprocessing(4, 3, false, Colour.L, new float[] {0}, new float[] {1}));
        assertArrayEquals(new int[] {1, 1, 3, 4},
            preprocessor.apply(new Pixels(4, 3, new byte[36]), Layout.NCHW).shape());
        PictureException error = assertThrows(PictureException.class,
            () -> preprocessor.apply(new Pixels(3, 4, new byte[36]), Layout.NCHW));
        assertEquals("the picture is 3x4 (width x height), the network takes 4x3; scale it first", error.getMessage());
    }

    @Test
    public void aLineThatWouldGrowBeyondMemoryIsRefused() {
        Preprocessor preprocessor = new Preprocessor(
            new Preprocessing(224, 224, true, Colour.L, new float[] {0}, new float[] {1}));
        assertThrows(PictureException.class,
            () -> preprocessor.apply(new Pixels(1_000_000, 1, new byte[3_000_000]), Layout.NCHW));
    }

    @Test
    public void pixelsThatDoNotHaveTheirSizeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Pixels(2, 2, new byte[11]));
        assertThrows(IllegalArgumentException.class, () -> new Pixels(0, 2, new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> new Pixels(65_536, 65_536, new byte[0]));
    }

    private static Preprocessing preprocessing(JsonObject one) {
        return new Preprocessing(one.get("width").getAsInt(), one.get("height").getAsInt(), true,
            Colour.valueOf(one.get("colour").getAsString()), floats(one.get("mean")), floats(one.get("std")));
    }

    private static float[] floats(JsonElement list) {
        float[] values = new float[list.getAsJsonArray().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) list.getAsJsonArray().get(i).getAsDouble();
        }
        return values;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
