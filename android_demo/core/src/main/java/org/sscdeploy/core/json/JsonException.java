package org.sscdeploy.core.json;

/** Text is not the JSON that was expected; the message names the place: "models[0].file is missing". */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says what is wrong. */
    public JsonException(String message) {
        super(message);
    }
}
