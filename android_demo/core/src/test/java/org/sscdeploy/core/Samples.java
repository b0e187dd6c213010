package org.sscdeploy.core;

import static org.junit.Assert.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The schemas and their samples, which the Python side is tested on as well. */
public final class Samples {
    private static final Map<String, JsonSchema> SCHEMAS = new HashMap<>();

    private Samples() { }

    /** Reads one sample, and throws where it refuses it. */
    @FunctionalInterface
    public interface Reader {
        /** Reads the text of a sample. */
        void read(String json) throws Exception;
    }

    /** Asserts that a reader and the schema accept what is valid and refuse what is not. */
    public static void assertReads(String name, Reader reader) throws Exception {
        for (Path sample : TestFolders.in(TestFolders.samples().resolve(name).resolve("valid"))) {
            assertTrue(sample + ": the schema refuses it: " + violations(name, TestFolders.text(sample)),
                violations(name, TestFolders.text(sample)).isEmpty());
            reader.read(TestFolders.text(sample));
        }
        for (Path sample : TestFolders.in(TestFolders.samples().resolve(name).resolve("invalid"))) {
            assertTrue(sample + ": the schema accepts it", !violations(name, TestFolders.text(sample)).isEmpty());
            if (!sample.getFileName().toString().startsWith("unknown-key") || name.equals("model")) {
                assertRefuses(sample, reader);
            }
        }
    }

    /** Asserts that a reader refuses a sample by a message. */
    public static void assertRefuses(Path sample, Reader reader) throws Exception {
        String message = null;
        try {
            reader.read(TestFolders.text(sample));
        } catch (RuntimeException error) {
            throw new AssertionError(sample + " is not refused by a message", error);
        } catch (Exception error) {
            message = error.getMessage();
        }
        assertTrue(sample + " is accepted", message != null && message.length() > 10);
    }

    /** What the schema says against a text; empty where it is valid. */
    public static List<String> violations(String name, String json) throws Exception {
        JsonSchema schema = SCHEMAS.get(name);
        if (schema == null) {
            schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(
                TestFolders.text(TestFolders.schemas().resolve(name + ".schema.json")));
            SCHEMAS.put(name, schema);
        }
        List<String> violations = new ArrayList<>();
        try {
            JsonNode node = new ObjectMapper().readTree(json);
            schema.validate(node).forEach(violation -> violations.add(violation.toString()));
        } catch (JsonProcessingException error) {
            violations.add("it is not JSON");
        }
        return violations;
    }
}
