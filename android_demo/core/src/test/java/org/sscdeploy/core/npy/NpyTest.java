package org.sscdeploy.core.npy;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class NpyTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void everyTypeAndShapeComesBackAsItWasWritten() throws NpyException {
        NpyArray bytes = Npy.parse(Npy.format(NpyArray.of(new byte[] {0, (byte) 255, 7, 8, 9, 10}, 2, 3)));
        assertArrayEquals(new byte[] {0, (byte) 255, 7, 8, 9, 10}, bytes.bytes());
        assertArrayEquals(new int[] {2, 3}, bytes.shape());
        NpyArray floats = Npy.parse(Npy.format(NpyArray.of(new float[] {0.1f, Float.NaN}, 2)));
        assertEquals("float32 [2]", floats.toString());
        assertArrayEquals(new float[] {0.1f, Float.NaN}, floats.floats(), 0);
        NpyArray scalar = Npy.parse(Npy.format(NpyArray.of(new double[] {-0.0})));
        assertEquals("float64 []", scalar.toString());
        assertEquals(0, Npy.parse(Npy.format(NpyArray.of(new float[0], 0, 3))).size());
    }

    @Test
    public void anArrayOfAnotherTypeIsNotTakenForTheOneThatIsAskedFor() {
        NpyArray array = NpyArray.of(new float[] {1}, 1);
        assertEquals("is of float32, not float64",
            assertThrows(NpyException.class, array::doubles).getMessage());
    }

    @Test
    public void everyCutIsRefused() {
        byte[] whole = Npy.format(NpyArray.of(new float[] {1, 2, 3}, 3));
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThrows("cut after " + length, NpyException.class, () -> Npy.parse(cut));
        }
        assertThrows(NpyException.class, () -> Npy.parse(Arrays.copyOf(whole, whole.length + 1)));
    }

    @Test
    public void noFlippedByteOfTheHeaderEndsInAnythingButAnArrayOrARefusal() {
        byte[] whole = Npy.format(NpyArray.of(new float[] {1, 2, 3}, 3));
        for (int at = 0; at < 128; at++) {
            for (int value = 0; value < 256; value += 5) {
                byte[] changed = whole.clone();
                changed[at] = (byte) value;
                try {
                    assertEquals(3, Npy.parse(changed).size());
                } catch (NpyException error) {
                    assertTrue(error.getMessage(), error.getMessage().length() > 5);
                }
            }
        }
    }

    @Test
    public void objectsAndTypesThatAreNotReadAreRefusedByName() {
        for (String type : new String[] {"|O", ">f4", "<i8"}) {
            assertEquals("holds numbers of type " + type + "; only uint8, float32 and float64 are read",
                refusal(type, "False", "(1,)"));
        }
        assertEquals("is in Fortran order; save it with numpy.ascontiguousarray", refusal("<f4", "True", "(1, 1)"));
        assertEquals("is no plain array of numpy", refusal("<f4', 'x': 'y", "False", "(1,)"));
    }

    @Test
    public void aShapeThatOverflowsIsRefusedBeforeMemoryIsAskedFor() {
        assertEquals("says that it is larger than it can be", refusal("<f8", "False", "(65536, 65536, 65536)"));
        assertEquals("says that it is larger than it can be", refusal("<f4", "False", "(9999999999,)"));
        assertTrue(refusal("<f8", "False", "(2000000000,)").contains("needs 16000000000"));
    }

    @Test
    public void aFileThatIsTooLargeIsNotRead() throws Exception {
        Path file = folder.newFile("a.npy").toPath();
        Files.write(file, Npy.format(NpyArray.of(new byte[1000], 1000)));
        assertEquals(1000, Npy.read(file, 2000).size());
        assertTrue(assertThrows(NpyException.class, () -> Npy.read(file, 999)).getMessage().startsWith("is too large"));
    }

    private static String refusal(String type, String fortran, String shape) {
        String header = "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
        byte[] text = header.getBytes(StandardCharsets.US_ASCII);
        byte[] content = new byte[10 + text.length + 4];
        byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, 0};
        System.arraycopy(start, 0, content, 0, 10);
        System.arraycopy(text, 0, content, 10, text.length);
        return assertThrows(NpyException.class, () -> Npy.parse(content)).getMessage();
    }
}
