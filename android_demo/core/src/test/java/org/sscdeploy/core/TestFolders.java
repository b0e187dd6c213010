package org.sscdeploy.core;

import static org.junit.Assert.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/** Where {@code ssc-deploy android test} put what tests read. A folder that is missing fails a test, never skips it. */
public final class TestFolders {
    private TestFolders() { }

    /** What the Python side computed. */
    public static Path fixtures() {
        return folder("ssc.fixtures");
    }

    /** The JSON Schemas. */
    public static Path schemas() {
        return folder("ssc.schemas");
    }

    /** Files that fit the schemas, and files that do not. */
    public static Path samples() {
        return folder("ssc.samples");
    }

    /** Bundles of the zoo's networks. */
    public static Path bundles() {
        return folder("ssc.bundles");
    }

    /** Bundles of files that take and give integers of 8 bits. */
    public static Path integers() {
        return folder("ssc.integers");
    }

    /** A file of the fixtures as parsed JSON. */
    public static JsonElement fixture(String name) throws IOException {
        return JsonParser.parseString(text(fixtures().resolve(name)));
    }

    /** A file as text. */
    public static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    /** All files of a folder, at least one, in order. */
    public static List<Path> in(Path folder) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.forEach(found::add);
        }
        Collections.sort(found);
        assertTrue(folder + " is empty", !found.isEmpty());
        return found;
    }

    private static Path folder(String property) {
        String value = System.getProperty(property);
        assertTrue("the system property " + property + " names no folder; run: ssc-deploy android test",
            value != null && Files.isDirectory(Paths.get(value)));
        return Paths.get(value);
    }
}
