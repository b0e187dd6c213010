package org.sscdeploy.core.job;

import static org.sscdeploy.core.json.StrictJson.list;
import static org.sscdeploy.core.json.StrictJson.object;

import com.google.gson.JsonElement;
import java.util.Arrays;
import java.util.List;
import org.sscdeploy.core.bench.Turn;
import org.sscdeploy.core.parity.Distance;

/** Writes result.json as {@code ssc_deploy/schemas/result.schema.json} has it. */
final class ResultWriter {
    private ResultWriter() { }

    /** What only a runner with processes and profilers of its own can tell, is empty. */
    static JsonElement of(Result result) {
        return object("schema_version", Job.SCHEMA_VERSION, "nonce", result.nonce(),
            "environment", of(result.environment()), "before", of(result.before()), "after", of(result.after()),
            "measurements", list(result.measurements(), ResultWriter::of), "peaks", List.of(),
            "notes", result.notes(), "files", result.files());
    }

    private static JsonElement of(Environment environment) {
        return object("device", environment.device(), "processor", environment.processor(),
            "machine", environment.machine(), "cores", environment.cores(),
            "memory_bytes", environment.memoryBytes(), "system", environment.system(),
            "runner", environment.runner(), "runtimes", environment.runtimes());
    }

    private static JsonElement of(Snapshot snapshot) {
        return object("unix_time", snapshot.unixTime(), "load", snapshot.load(), "governor", snapshot.governor(),
            "frequency_khz", snapshot.frequencyKhz(), "temperature_c", snapshot.temperatureCelsius());
    }

    private static JsonElement of(Measurement measurement) {
        return object("model", measurement.model(), "threads", measurement.threads(),
            "golden", list(measurement.golden(), ResultWriter::of),
            "turns", list(measurement.turns(), ResultWriter::of), "fresh", null, "operators", List.of(), "operators_note", measurement.operatorsNote(),
            "failure", measurement.failure().map(
                failure -> object("kind", failure.kind().text(), "message", failure.message())));
    }

    private static JsonElement of(Distance error) {
        return object("max", error.isFinite() ? error.max() : null, "rms", error.isFinite() ? error.rms() : null);
    }

    private static JsonElement of(Turn turn) {
        return object("start_ns", turn.startNanos(),
            "samples_ns", list(() -> Arrays.stream(turn.samplesNanos()).iterator(), sample -> sample));
    }
}
