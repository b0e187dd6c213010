package org.sscdeploy.core.bundle;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;

public class BundleTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    @Test
    public void aSoundBundleOpensWithAllThatItHolds() throws Exception {
        Bundle bundle = open(new TestBundle("Net"));
        assertEquals("Net", bundle.manifest().name());
        assertEquals("dog", bundle.manifest().labels().get(3));
        assertEquals("depthwise", bundle.model("onnx").get().lowering().get("shift"));
        assertFalse(bundle.model("tflite").isPresent());
        assertTrue(Files.isRegularFile(bundle.manifest().golden().pictures().get(15).path()));
        assertFalse(bundle.manifest().debug().isPresent());
        assertEquals(64, bundle.sha256().length());
        assertEquals(1e-6, bundle.tolerance().max(), 0);
    }

    @Test
    public void goldenInputsComeInTheLayoutThatIsAskedFor() throws Exception {
        GoldenSet golden = open(new TestBundle("Net")).golden();
        float[] nchw = golden.input(3, Layout.NCHW).data();
        float[] nhwc = golden.input(3, Layout.NHWC).data();
        assertArrayEquals(new int[] {1, 4, 4, 3}, golden.input(3, Layout.NHWC).shape());
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < 16; i++) {
                assertEquals(nchw[c * 16 + i], nhwc[i * 3 + c], 0);
            }
        }
        assertEquals(nchw[2], golden.output(3)[2], 0);
        assertEquals(48, golden.pixels(3).length);
    }

    @Test
    public void aFolderWithoutModelJsonSaysHowToMakeABundle() {
        assertRefused("there is no model.json, so this is no bundle; make one with: ssc-deploy bundle",
            temporary.getRoot().toPath());
    }

    @Test
    public void aFileOfAnotherHashIsNamed() throws Exception {
        Path folder = new TestBundle("Net").write(temporary.getRoot().toPath());
        Files.write(folder.resolve("model.onnx"), "not a real mOdel".getBytes("US-ASCII"));
        assertRefused(
            "model.onnx is damaged: it has not the SHA-256 that model.json says; copy the bundle again", folder);
        Files.write(folder.resolve("model.onnx"), new byte[3]);
        assertRefused("model.onnx is damaged: it has 3 bytes, and model.json says 16; copy the bundle again", folder);
        Files.delete(folder.resolve("model.onnx"));
        assertRefused("model.onnx is missing in the bundle; copy the bundle again", folder);
    }

    @Test
    public void aLinkThatLeadsOutIsNotFollowed() throws Exception {
        Path folder = new TestBundle("Net").write(temporary.newFolder("a").toPath());
        Path outside = temporary.newFile("outside").toPath();
        Files.move(folder.resolve("model.onnx"), outside, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Files.createSymbolicLink(folder.resolve("model.onnx"), outside);
        assertRefused("model.onnx is missing in the bundle; copy the bundle again", folder);
        Files.delete(folder.resolve("model.onnx"));
        Files.move(outside, folder.resolve("model.onnx"));
        Path golden = temporary.getRoot().toPath().resolve("golden");
        Files.move(folder.resolve("golden"), golden);
        Files.createSymbolicLink(folder.resolve("golden"), golden);
        assertTrue(refusal(folder).endsWith("is missing in the bundle; copy the bundle again"));
    }

    @Test
    public void anUnknownSchemaVersionSaysWhatToDo() throws Exception {
        assertRefused("model.json cannot be used: it is of schema version 2, this app of 1; make the bundle and the "
            + "app with the same version of ssc-deploy",
            new TestBundle("Net").with("schema_version", new JsonPrimitive(2)));
    }

    @Test
    public void missingLabelsAreNamed() throws Exception {
        TestBundle without = new TestBundle("Net");
        without.modelJson.remove("labels");
        assertRefused("model.json cannot be used: labels is missing", without);
        assertRefused("model.json cannot be used: labels has 0 values; it may have 1 to 100000",
            new TestBundle("Net").with("labels", new JsonArray()));
        assertRefused("model.json cannot be used: there are 2 labels, and models[0] has 4 outputs",
            new TestBundle("Net").with("labels", JsonParser.parseString("['ant', 'bee']")));
    }

    @Test
    public void aModelOfAnotherInputShapeIsNamed() throws Exception {
        TestBundle bundle = new TestBundle("Net");
        JsonObject input = bundle.modelJson.getAsJsonArray("models").get(0).getAsJsonObject().getAsJsonObject("input");
        input.add("shape", JsonParser.parseString("[1, 3, 8, 8]"));
        assertRefused("model.json cannot be used: models[0] takes input: float32 [1, 3, 8, 8], and the preprocessing "
            + "makes input: float32 [1, 3, 4, 4]", bundle);
    }

    @Test
    public void goldenValuesThatAreNotFiniteAreRefused() throws Exception {
        String reason = " holds NaN or infinity, so nothing can be compared with it; make the bundle again";
        assertRefused("golden/outputs.npy" + reason, new TestBundle("Net").withOutput(15, 3, Double.NaN));
        assertRefused("golden/outputs.npy" + reason, new TestBundle("Net").withOutput(0, 0, Double.POSITIVE_INFINITY));
        assertRefused("golden/inputs.npy" + reason, new TestBundle("Net").withInput(2, 1, Float.NaN));
    }

    @Test
    public void goldenArraysOfAnotherShapeOrTypeAreRefused() throws Exception {
        TestBundle fewer = new TestBundle("Net");
        fewer.files.put("golden/outputs.npy", Npy.format(NpyArray.of(new double[15 * 4], 15, 4)));
        assertRefused("golden/outputs.npy has the shape [15, 4], and the network asks for [16, 4]; make the bundle "
            + "again", fewer);
        TestBundle single = new TestBundle("Net");
        single.files.put("golden/outputs.npy", Npy.format(NpyArray.of(new float[16 * 4], 16, 4)));
        assertRefused("the golden set cannot be used: an array is of float32, not float64", single);
        TestBundle none = new TestBundle("Net");
        none.files.put("golden/outputs.npy", new byte[] {1, 2, 3});
        assertRefused("golden/outputs.npy is cut off; make the bundle again", none);
    }

    @Test
    public void aGoldenFileThatChangesAfterwardsIsNoticed() throws Exception {
        Path folder = new TestBundle("Net").write(temporary.getRoot().toPath());
        Bundle bundle = Bundle.open(folder);
        byte[] outputs = Files.readAllBytes(folder.resolve("golden/outputs.npy"));
        outputs[outputs.length - 1] ^= 1;
        Files.write(folder.resolve("golden/outputs.npy"), outputs);
        assertTrue(assertThrows(BundleException.class, bundle::golden).getMessage().contains("is damaged"));
    }

    @Test
    public void namesThatLeadOutAreRefused() throws Exception {
        for (String name : new String[] {
            "../a", "a/../../b", "/etc/passwd", "a//b", "./a", "a/.", "..", "a\\b", "a\nb", ""}) {
            TestBundle bundle = new TestBundle("Net");
            String model = bundle.modelJson.toString();
            bundle.content();
            JsonObject entry = bundle.modelJson.getAsJsonObject("files").getAsJsonObject("model.onnx");
            bundle.modelJson.getAsJsonObject("files").add(name, entry);
            Path folder = temporary.newFolder().toPath();
            Files.write(folder.resolve("model.json"), bundle.modelJson.toString().getBytes("UTF-8"));
            String refusal = refusal(folder);
            assertTrue(model + refusal, refusal.endsWith("which may lead out of it"));
            assertFalse(refusal.contains("\n"));
        }
    }

    private Bundle open(TestBundle bundle) throws Exception {
        return Bundle.open(bundle.write(temporary.newFolder().toPath()));
    }

    private void assertRefused(String message, TestBundle bundle) throws Exception {
        assertRefused(message, bundle.write(temporary.newFolder().toPath()));
    }

    private static void assertRefused(String message, Path folder) {
        assertEquals(message, refusal(folder));
    }

    private static String refusal(Path folder) {
        return assertThrows(BundleException.class, () -> Bundle.open(folder)).getMessage();
    }
}
