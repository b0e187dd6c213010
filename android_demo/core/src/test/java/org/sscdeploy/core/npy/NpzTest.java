package org.sscdeploy.core.npy;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.TestFolders;

public class NpzTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void filesOfNumpyAreReadCompressedOrNot() throws Exception {
        for (String name : new String[] {"arrays.npz", "arrays-compressed.npz"}) {
            Map<String, NpyArray> arrays = Npz.read(TestFolders.fixtures().resolve(name), 1_000_000);
            assertEquals("[bytes, floats, doubles, scalar, empty]", arrays.keySet().toString());
            assertEquals("uint8 [2, 8, 16]", arrays.get("bytes").toString());
            assertEquals((byte) 255, arrays.get("bytes").bytes()[255]);
            assertArrayEquals(new float[] {0.1f, -0.0f, Float.POSITIVE_INFINITY}, arrays.get("floats").floats(), 0);
            assertEquals("float64 []", arrays.get("scalar").toString());
            assertEquals(0.1, arrays.get("scalar").doubles()[0], 0);
            assertEquals("float32 [0, 3]", arrays.get("empty").toString());
        }
    }

    @Test
    public void whatIsWrittenIsReadBackAndIsTheSameEachTime() throws Exception {
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("output.0", NpyArray.of(new float[] {1, 2}, 2, 1));
        arrays.put("output.1", NpyArray.of(new double[] {3}, 1));
        byte[] content = Npz.format(arrays);
        assertArrayEquals(content, Npz.format(arrays));
        Map<String, NpyArray> read = Npz.read(file(content), 1000);
        assertEquals(arrays.keySet(), read.keySet());
        assertArrayEquals(new float[] {1, 2}, read.get("output.0").floats(), 0);
    }

    @Test
    public void aBombIsStoppedAtTheLimit() throws Exception {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bomb)) {
            zip.putNextEntry(new ZipEntry("a.npy"));
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 200; i++) {
                zip.write(zeros);
            }
        }
        assertTrue(bomb.size() < 1 << 20);
        NpyException error = assertThrows(NpyException.class, () -> Npz.read(file(bomb.toByteArray()), 5_000_000));
        assertEquals("holds too much: more than 5000000 bytes", error.getMessage());
    }

    @Test
    public void everyCutIsRefused() throws Exception {
        byte[] whole = Npz.format(Collections.singletonMap("a", NpyArray.of(new float[] {1}, 1)));
        for (int length = 0; length < whole.length; length += 7) {
            Path file = file(Arrays.copyOf(whole, length));
            assertThrows("cut after " + length, NpyException.class, () -> Npz.read(file, 1000));
        }
    }

    private Path file(byte[] content) throws Exception {
        Path file = folder.newFile().toPath();
        Files.write(file, content);
        return file;
    }
}
