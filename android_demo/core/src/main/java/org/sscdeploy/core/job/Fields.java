package org.sscdeploy.core.job;

import java.util.regex.Pattern;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** What all three files of a job have in common. Unknown keys are ignored: a newer program may say more. */
final class Fields {
    static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /** Nothing that is counted or timed needs more than 64 bits. */
    static final long MOST = Long.MAX_VALUE;

    private static final int LONGEST = 100_000;
    private static final int LONGEST_NONCE = 200;
    private static final Pattern FILE = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,200}");

    private Fields() { }

    static void checkVersion(JsonNode json) throws JsonException {
        long version = json.at("schema_version").whole(Long.MIN_VALUE, MOST);
        if (version != Job.SCHEMA_VERSION) {
            throw new JsonException("it is of schema version " + version + ", this app of " + Job.SCHEMA_VERSION
                + "; use the app and ssc-deploy of the same version");
        }
    }

    static String nonce(JsonNode json) throws JsonException {
        String nonce = json.at("nonce").text(LONGEST_NONCE);
        if (nonce.isEmpty()) {
            throw new JsonException("nonce is empty");
        }
        return nonce;
    }

    /** A text of any length that is reasonable. */
    static String text(JsonNode json) throws JsonException {
        return json.text(LONGEST);
    }

    static String file(JsonNode json) throws JsonException {
        return json.text(FILE, "a file of the same folder");
    }

    static boolean isFile(String name) {
        return FILE.matcher(name).matches();
    }

    static String sha256(JsonNode json) throws JsonException {
        return json.text(SHA256, "a SHA-256");
    }
}
