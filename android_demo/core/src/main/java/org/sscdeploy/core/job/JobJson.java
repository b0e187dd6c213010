package org.sscdeploy.core.job;

import java.util.List;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.ToleranceJson;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** Reads job.json as {@code ssc_deploy/schemas/job.schema.json} has it. */
final class JobJson {
    private static final int MOST_COUNT = 1_000_000_000;
    private static final double MOST_SECONDS = 1e6;

    private JobJson() { }

    static Job job(JsonNode json) throws JsonException {
        Fields.checkVersion(json);
        return new Job(Fields.nonce(json), json.at("models").items(1, 1000, JobJson::model),
            counts(json.at("threads"), 1, 1024), json.at("protocol").unlessNull(JobJson::protocol),
            json.at("pin").unlessNull(pin -> counts(pin, 0, MOST_COUNT)), json.at("keep_outputs").flag());
    }

    private static List<Integer> counts(JsonNode json, int least, int most) throws JsonException {
        return json.items(1, 1024, count -> (int) count.whole(least, most));
    }

    private static ModelFile model(JsonNode json) throws JsonException {
        JsonNode golden = json.at("golden");
        return new ModelFile(Fields.text(json.at("name")), Fields.file(json.at("file")),
            Fields.sha256(json.at("sha256")), json.at("size").whole(0, Fields.MOST),
            new Golden(Fields.file(golden.at("file")), Fields.sha256(golden.at("sha256")),
                golden.at("bounds").items(1, 1000, ToleranceJson::read),
                golden.at("origin").choice("export", "host")));
    }

    private static Protocol protocol(JsonNode json) throws JsonException {
        return new Protocol(count(json, "warmup_runs", 0), json.at("warmup_seconds").number(0, MOST_SECONDS),
            count(json, "runs", 1), json.at("seconds").number(0, MOST_SECONDS), count(json, "repeats", 1),
            count(json, "rewarm_runs", 0), count(json, "operator_runs", 0), count(json, "fresh_processes", 0));
    }

    private static int count(JsonNode json, String key, int least) throws JsonException {
        return (int) json.at(key).whole(least, MOST_COUNT);
    }
}
