package org.sscdeploy.core.job;

import com.google.gson.JsonElement;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;
import org.sscdeploy.core.json.StrictJson;

/** status.json as {@code ssc_deploy/schemas/status.schema.json} has it. */
final class StatusJson {
    private StatusJson() { }

    static Status status(JsonNode json) throws JsonException {
        Fields.checkVersion(json);
        Status.State state = json.at("state").choice(Status.State.values(), Status.State::text);
        return new Status(Fields.nonce(json), state, text(json, "line"), text(json, "message"), sha256(json));
    }

    /** A text that may be missing; null is none. */
    private static String text(JsonNode json, String key) throws JsonException {
        return json.has(key) ? Fields.text(json.at(key)) : "";
    }

    private static String sha256(JsonNode json) throws JsonException {
        String text = text(json, "result_sha256");
        return text.isEmpty() ? text : Fields.sha256(json.at("result_sha256"));
    }

    static JsonElement of(Status status) {
        return StrictJson.object("schema_version", Job.SCHEMA_VERSION, "nonce", status.nonce(),
            "state", status.state().text(), "line", status.line(), "message", status.message(),
            "result_sha256", status.resultSha256());
    }
}
