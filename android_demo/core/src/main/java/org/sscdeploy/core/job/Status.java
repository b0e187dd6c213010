package org.sscdeploy.core.job;

import java.util.Locale;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/**
 * How far the app is with a job; status.json.
 *
 * @param nonce        of the job
 * @param state        how far it is
 * @param line         what is being done, in words
 * @param message      why it failed, as a sentence; empty unless it did
 * @param resultSha256 of result.json, hexadecimal, once it is done; empty before
 */
public record Status(String nonce, State state, String line, String message, String resultSha256) {
    /** How far the app is. */
    public enum State {
        /** It goes on. */
        RUNNING,
        /** The result is there. */
        DONE,
        /** There is no result. */
        FAILED;

        /** As JSON has it. */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Reads status.json; one of another schema version is refused, too. */
    public static Status parse(String json) throws JobException {
        try {
            return StatusJson.status(StrictJson.parse(json));
        } catch (JsonException error) {
            throw new JobException("status.json cannot be used: " + error.getMessage(), error);
        }
    }

    /** As status.json has it. */
    public String toJson() {
        return StrictJson.format(StatusJson.of(this));
    }
}
