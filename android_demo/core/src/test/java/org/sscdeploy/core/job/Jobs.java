package org.sscdeploy.core.job;

import static org.sscdeploy.core.json.StrictJson.list;
import static org.sscdeploy.core.json.StrictJson.object;

import com.google.gson.JsonObject;
import java.util.Arrays;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Tolerance;
import org.sscdeploy.core.json.StrictJson;

/** Writes job.json as {@code ssc-deploy profile} does; the app itself writes none. */
public final class Jobs {
    private Jobs() { }

    /** As job.json has it. */
    public static String json(Job job) {
        return StrictJson.format(object("schema_version", Job.SCHEMA_VERSION, "nonce", job.nonce(),
            "models", list(job.models(), Jobs::of), "threads", job.threads(),
            "protocol", job.protocol().map(Jobs::of), "pin", job.pin(), "keep_outputs", job.keepOutputs()));
    }

    private static JsonObject of(ModelFile model) {
        Golden golden = model.golden();
        return object("name", model.name(), "file", model.file(), "sha256", model.sha256(), "size", model.size(),
            "golden", object("file", golden.file(), "sha256", golden.sha256(),
                "bounds", list(golden.bounds(), Jobs::of), "origin", golden.origin()));
    }

    private static JsonObject of(Tolerance bound) {
        JsonObject json = object("max", bound.max(), "rms", bound.rms());
        if (!bound.axes().isEmpty()) {
            json.add("axes", list(bound.axes(), axis -> object("axis", axis.axis(),
                "max", list(() -> Arrays.stream(axis.max()).iterator(), one -> one))));
        }
        return json;
    }

    private static JsonObject of(Protocol protocol) {
        return object("warmup_runs", protocol.warmupRuns(), "warmup_seconds", protocol.warmupSeconds(),
            "runs", protocol.runs(), "seconds", protocol.seconds(), "repeats", protocol.repeats(),
            "rewarm_runs", protocol.rewarmRuns(), "operator_runs", protocol.operatorRuns(),
            "fresh_processes", protocol.freshProcesses());
    }
}
