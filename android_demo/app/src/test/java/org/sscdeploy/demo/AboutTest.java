package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;

/** The About screen. */
@RunWith(RobolectricTestRunner.class)
public class AboutTest {
    private static final int CLASSES = 1000;
    private static final int FILES = 150;

    /** A bundle of a thousand classes, with files that no bundle of ours has. */
    private static Path large() throws Exception {
        int count = (int) Files.list(BundleFiles.whole().resolve("golden"))
            .filter(file -> file.toString().endsWith(".png")).count();
        byte[] outputs = Npy.format(NpyArray.of(new double[count * CLASSES], count, CLASSES));
        Path bundle = BundleFiles.with("golden/outputs.npy", outputs);
        Files.createDirectories(bundle.resolve("more"));
        for (int i = 0; i < FILES; i++) {
            Files.write(bundle.resolve("more/file-" + i), new byte[] {1});
        }
        BundleFiles.edit(bundle, card -> {
            JsonArray labels = new JsonArray();
            for (int i = 0; i < CLASSES; i++) {
                labels.add("class-" + i);
            }
            card.add("labels", labels);
            card.getAsJsonArray("models").forEach(model -> model.getAsJsonObject().getAsJsonObject("output")
                .getAsJsonArray("shape").set(1, new com.google.gson.JsonPrimitive(CLASSES)));
            for (int i = 0; i < FILES; i++) {
                JsonObject entry = new JsonObject();
                entry.addProperty("sha256", BundleFiles.sha256(new byte[] {1}));
                entry.addProperty("bytes", 1);
                card.getAsJsonObject("files").add("more/file-" + i, entry);
            }
        });
        return BundleFiles.zip(bundle);
    }

    @Test
    public void aHundredLabelsAndFilesAreListedAndTheOthersCounted() throws Exception {
        Phone.push(large());
        MainActivity activity = Phone.start().get();
        assertEquals("", Phone.app().bundles.state().message());
        Phone.go(activity, Destination.ABOUT);
        String text = Phone.allText(activity.findViewById(R.id.first));
        assertTrue(text, text.contains("class-98, class-99, and 900 more\n"));
        assertFalse(text, text.contains("class-100"));
        int listed = text.split("more/file-", -1).length - 1;
        assertTrue(text, listed > 0 && listed < 100);
        assertTrue(text, text.matches("(?s).*Other files\nand \\d+ more\n.*"));
    }

    @Test
    public void whereThereAreFewNoneAreCounted() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.ABOUT);
        String text = Phone.allText(activity.findViewById(R.id.first));
        List<String> labels = Phone.app().bundles.state().bundle().get().manifest().labels();
        assertTrue(text, text.contains(String.join(", ", labels) + "\n"));
        assertFalse(text, text.contains("Other files"));
    }
}
