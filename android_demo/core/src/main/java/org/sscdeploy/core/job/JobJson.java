package org.sscdeploy.core.job;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.bundle.ToleranceJson;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** job.json as {@code ssc_deploy/schemas/job.schema.json} has it. */
final class JobJson {
    private static final int MOST_COUNT = 1_000_000_000;
    private static final double MOST_SECONDS = 1e6;

    private JobJson() { }

    static Job job(JsonNode json) throws JsonException {
        Fields.checkVersion(json);
        List<ModelFile> models = new ArrayList<>();
        for (JsonNode model : json.at("models").items(1, 1000)) {
            models.add(model(model));
        }
        Optional<Protocol> protocol = json.at("protocol").isNull()
            ? Optional.empty() : Optional.of(protocol(json.at("protocol")));
        Optional<List<Integer>> pin = json.at("pin").isNull()
            ? Optional.empty() : Optional.of(counts(json.at("pin"), 0, MOST_COUNT));
        return new Job(Fields.nonce(json), models, counts(json.at("threads"), 1, 1024), protocol, pin,
            json.at("keep_outputs").flag());
    }

    private static List<Integer> counts(JsonNode json, int least, int most) throws JsonException {
        List<Integer> counts = new ArrayList<>();
        for (JsonNode count : json.items(1, 1024)) {
            counts.add((int) count.whole(least, most));
        }
        return counts;
    }

    private static ModelFile model(JsonNode json) throws JsonException {
        JsonNode golden = json.at("golden");
        List<Tolerance> bounds = new ArrayList<>();
        for (JsonNode bound : golden.at("bounds").items(1, 1000)) {
            bounds.add(ToleranceJson.read(bound));
        }
        String origin = golden.at("origin").choice("export", "host") == 0 ? "export" : "host";
        return new ModelFile(Fields.text(json.at("name")), Fields.file(json.at("file")),
            Fields.sha256(json.at("sha256")), json.at("size").whole(0, Fields.MOST),
            new Golden(Fields.file(golden.at("file")), Fields.sha256(golden.at("sha256")), bounds, origin));
    }

    private static Protocol protocol(JsonNode json) throws JsonException {
        return new Protocol(count(json, "warmup_runs", 0), json.at("warmup_seconds").number(0, MOST_SECONDS),
            count(json, "runs", 1), json.at("seconds").number(0, MOST_SECONDS), count(json, "repeats", 1),
            count(json, "rewarm_runs", 0), count(json, "operator_runs", 0), count(json, "fresh_processes", 0));
    }

    private static int count(JsonNode json, String key, int least) throws JsonException {
        return (int) json.at(key).whole(least, MOST_COUNT);
    }

    static JsonElement of(Job job) {
        JsonObject json = new JsonObject();
        json.addProperty("schema_version", Job.SCHEMA_VERSION);
        json.addProperty("nonce", job.nonce());
        JsonArray models = new JsonArray();
        job.models().forEach(model -> models.add(of(model)));
        json.add("models", models);
        json.add("threads", of(job.threads()));
        json.add("protocol", job.protocol().map(JobJson::of).orElse(JsonNull.INSTANCE));
        json.add("pin", job.pin().map(JobJson::of).orElse(JsonNull.INSTANCE));
        json.addProperty("keep_outputs", job.keepOutputs());
        return json;
    }

    private static JsonElement of(List<Integer> counts) {
        JsonArray json = new JsonArray();
        counts.forEach(json::add);
        return json;
    }

    private static JsonElement of(ModelFile model) {
        JsonArray bounds = new JsonArray();
        model.golden().bounds().forEach(bound -> bounds.add(ToleranceJson.of(bound)));
        JsonObject golden = new JsonObject();
        golden.addProperty("file", model.golden().file());
        golden.addProperty("sha256", model.golden().sha256());
        golden.add("bounds", bounds);
        golden.addProperty("origin", model.golden().origin());
        JsonObject json = new JsonObject();
        json.addProperty("name", model.name());
        json.addProperty("file", model.file());
        json.addProperty("sha256", model.sha256());
        json.addProperty("size", model.size());
        json.add("golden", golden);
        return json;
    }

    private static JsonElement of(Protocol protocol) {
        JsonObject json = new JsonObject();
        json.addProperty("warmup_runs", protocol.warmupRuns());
        json.addProperty("warmup_seconds", protocol.warmupSeconds());
        json.addProperty("runs", protocol.runs());
        json.addProperty("seconds", protocol.seconds());
        json.addProperty("repeats", protocol.repeats());
        json.addProperty("rewarm_runs", protocol.rewarmRuns());
        json.addProperty("operator_runs", protocol.operatorRuns());
        json.addProperty("fresh_processes", protocol.freshProcesses());
        return json;
    }
}
