package org.sscdeploy.core.bundle;

import static org.junit.Assert.assertEquals;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;

/** What happens in a process of too little memory, in such a process. */
public class BundleMemoryTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    /** Opens the bundle in the folder that is its argument, and prints why it cannot. */
    public static void main(String[] arguments) {
        try {
            System.out.print(Bundle.open(Paths.get(arguments[0])).manifest().name());
        } catch (BundleException error) {
            System.out.print(error.getMessage());
        }
    }

    @Test
    public void aGoldenSetThatDoesNotFitIsASentence() throws Exception {
        Path folder = large().write(temporary.getRoot().toPath());
        assertEquals("Net", open(folder, "-Xmx512m"));
        assertEquals("memory ran out while the golden set was read; close other apps", open(folder, "-Xmx32m"));
    }

    /** A bundle of 1000 pictures of 3x64x64, 49 MB of inputs. */
    private static TestBundle large() {
        TestBundle bundle = new TestBundle("Net");
        String shape = "[1, 3, 64, 64]";
        JsonObject model = bundle.modelJson.getAsJsonArray("models").get(0).getAsJsonObject();
        model.getAsJsonObject("input").add("shape", JsonParser.parseString(shape));
        bundle.modelJson.getAsJsonObject("preprocessing").addProperty("width", 64);
        bundle.modelJson.getAsJsonObject("preprocessing").addProperty("height", 64);
        JsonObject golden = bundle.modelJson.getAsJsonObject("golden");
        for (int i = TestBundle.COUNT; i < 1000; i++) {
            JsonObject picture = new JsonObject();
            picture.addProperty("file", "golden/picture-" + i + ".png");
            picture.add("label", JsonNull.INSTANCE);
            golden.getAsJsonArray("pictures").add(picture);
            bundle.files.put("golden/picture-" + i + ".png", new byte[] {1});
        }
        golden.addProperty("count", 1000);
        int values = 1000 * 3 * 64 * 64;
        bundle.files.put("golden/pixels.npy", Npy.format(NpyArray.of(new byte[values], 1000, 64, 64, 3)));
        bundle.files.put("golden/inputs.npy", Npy.format(NpyArray.of(new float[values], 1000, 3, 64, 64)));
        bundle.files.put("golden/outputs.npy", Npy.format(NpyArray.of(new double[4000], 1000, 4)));
        return bundle;
    }

    private static String open(Path folder, String memory) throws Exception {
        String java = Paths.get(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(java, memory, "-cp", System.getProperty("java.class.path"),
            BundleMemoryTest.class.getName(), folder.toString()).redirectErrorStream(true).start();
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        SafeFiles.copy(process.getInputStream(), said, 100_000);
        assertEquals(said.toString("UTF-8"), 0, process.waitFor());
        return said.toString("UTF-8");
    }
}
