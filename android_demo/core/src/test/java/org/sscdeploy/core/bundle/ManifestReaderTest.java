package org.sscdeploy.core.bundle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Random;
import org.junit.Test;
import org.sscdeploy.core.Samples;
import org.sscdeploy.core.TestFolders;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

public class ManifestReaderTest {
    /** What JSON is made of, so that many changes leave JSON. */
    private static final String CHANGES = "0-{}[],:\"ne.\\/";

    @Test
    public void itAcceptsAndRefusesWhatTheSchemaDoes() throws Exception {
        Samples.assertReads("model", ManifestReaderTest::read);
    }

    @Test
    public void itRefusesWhatContradictsItself() throws Exception {
        for (Path sample : TestFolders.in(TestFolders.samples().resolve("model").resolve("inconsistent"))) {
            assertEquals(sample.toString(), 0, Samples.violations("model", TestFolders.text(sample)).size());
            Samples.assertRefuses(sample, ManifestReaderTest::read);
        }
    }

    @Test
    public void everythingInItIsRead() throws Exception {
        Manifest manifest = read(TestFolders.text(debugSample()));
        assertEquals(2, manifest.models().size());
        assertEquals(Layout.NHWC, manifest.models().get(1).layout());
        assertEquals(manifest.labels().size(), manifest.models().get(0).output().shape()[1]);
        assertTrue(manifest.debug().isPresent());
        assertEquals(manifest.golden().count(), manifest.golden().pictures().size());
        assertEquals(Paths.get("here").resolve(manifest.models().get(0).file()), manifest.models().get(0).path());
    }

    @Test
    public void noChangedByteEscapesAsAnotherError() throws Exception {
        byte[] whole = Files.readAllBytes(debugSample());
        Random random = new Random(3);
        for (int at = 0; at < whole.length; at += 2) {
            byte[] changed = whole.clone();
            changed[at] = (byte) CHANGES.charAt(random.nextInt(CHANGES.length()));
            try {
                new ManifestReader(Paths.get("here")).read(StrictJson.parse(changed));
            } catch (JsonException error) {
                assertTrue(error.getMessage().length() > 5);
            }
        }
    }

    private static Path debugSample() {
        return TestFolders.samples().resolve("model/valid/onnx-and-tflite-with-debug.json");
    }

    private static Manifest read(String json) throws JsonException {
        return new ManifestReader(Paths.get("here")).read(StrictJson.parse(json));
    }
}
