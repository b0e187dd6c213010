package org.sscdeploy.core.job;

import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/** How far the app is with a job; status.json. Immutable. */
public final class Status {
    private final String nonce;
    private final State state;
    private final String line;
    private final String message;
    private final String resultSha256;

    /**
     * All of it.
     *
     * @param nonce        of the job
     * @param state        how far it is
     * @param line         what is being done, in words
     * @param message      why it failed, as a sentence; empty unless it did
     * @param resultSha256 of result.json, hexadecimal, once it is done; empty before
     */
    public Status(String nonce, State state, String line, String message, String resultSha256) {
        this.nonce = nonce;
        this.state = state;
        this.line = line;
        this.message = message;
        this.resultSha256 = resultSha256;
    }

    /** Of the job. */
    public String nonce() {
        return nonce;
    }

    /** How far it is. */
    public State state() {
        return state;
    }

    /** What is being done, in words. */
    public String line() {
        return line;
    }

    /** Why it failed, as a sentence; empty unless it did. */
    public String message() {
        return message;
    }

    /** Of result.json, hexadecimal, once it is done; empty before. */
    public String resultSha256() {
        return resultSha256;
    }

    /** How far the app is. */
    public enum State {
        /** It goes on. */
        RUNNING("running"),
        /** The result is there. */
        DONE("done"),
        /** There is no result. */
        FAILED("failed");

        private final String text;

        State(String text) {
            this.text = text;
        }

        /** As JSON has it. */
        public String text() {
            return text;
        }
    }

    /**
     * Reads status.json.
     *
     * @throws JobException it is no such text, or of another schema version
     */
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
