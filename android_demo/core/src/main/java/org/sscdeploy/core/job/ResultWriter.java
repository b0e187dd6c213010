package org.sscdeploy.core.job;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.sscdeploy.core.bench.GoldenError;
import org.sscdeploy.core.bench.Turn;

/** Writes result.json as {@code ssc_deploy/schemas/result.schema.json} has it. */
final class ResultWriter {
    private ResultWriter() { }

    static JsonElement of(Result result) {
        JsonObject json = new JsonObject();
        json.addProperty("schema_version", Job.SCHEMA_VERSION);
        json.addProperty("nonce", result.nonce());
        json.add("environment", of(result.environment()));
        json.add("before", of(result.before()));
        json.add("after", of(result.after()));
        json.add("measurements", list(result.measurements(), ResultWriter::of));
        json.add("peaks", list(result.peaks(), ResultWriter::of));
        json.add("notes", list(result.notes(), JsonPrimitive::new));
        json.add("files", object(result.files(), JsonPrimitive::new));
        return json;
    }

    private static JsonElement of(Environment environment) {
        JsonObject json = new JsonObject();
        json.addProperty("device", environment.device());
        json.addProperty("processor", environment.processor());
        json.addProperty("machine", environment.machine());
        json.addProperty("cores", environment.cores());
        json.add("memory_bytes", number(environment.memoryBytes()));
        json.addProperty("system", environment.system());
        json.addProperty("runner", environment.runner());
        json.add("runtimes", object(environment.runtimes(), JsonPrimitive::new));
        return json;
    }

    private static JsonElement of(Snapshot snapshot) {
        JsonObject json = new JsonObject();
        json.addProperty("unix_time", snapshot.unixTime());
        json.add("load", snapshot.load().isPresent()
            ? new JsonPrimitive(snapshot.load().getAsDouble()) : JsonNull.INSTANCE);
        json.add("governor", object(snapshot.governor(), JsonPrimitive::new));
        json.add("frequency_khz", object(snapshot.frequencyKhz(), JsonPrimitive::new));
        json.add("temperature_c", object(snapshot.temperatureCelsius(), JsonPrimitive::new));
        return json;
    }

    private static JsonElement of(Measurement measurement) {
        JsonObject json = new JsonObject();
        json.addProperty("model", measurement.model());
        json.addProperty("threads", measurement.threads());
        json.add("golden", list(measurement.golden(), ResultWriter::of));
        json.add("turns", list(measurement.turns(), ResultWriter::of));
        json.add("fresh", measurement.fresh().map(ResultWriter::of).orElse(JsonNull.INSTANCE));
        json.add("operators", list(measurement.operators(), ResultWriter::of));
        json.addProperty("operators_note", measurement.operatorsNote());
        json.add("failure", measurement.failure().map(ResultWriter::of).orElse(JsonNull.INSTANCE));
        return json;
    }

    private static JsonElement of(GoldenError error) {
        JsonObject json = new JsonObject();
        json.add("max", error.isFinite() ? new JsonPrimitive(error.max()) : JsonNull.INSTANCE);
        json.add("rms", error.isFinite() ? new JsonPrimitive(error.rms()) : JsonNull.INSTANCE);
        return json;
    }

    private static JsonElement of(Turn turn) {
        JsonArray samples = new JsonArray();
        for (long sample : turn.samplesNanos()) {
            samples.add(sample);
        }
        JsonObject json = new JsonObject();
        json.addProperty("start_ns", turn.startNanos());
        json.add("samples_ns", samples);
        return json;
    }

    private static JsonElement of(Fresh fresh) {
        JsonObject json = new JsonObject();
        json.addProperty("load_ns", fresh.loadNanos());
        json.addProperty("first_ns", fresh.firstNanos());
        json.add("peak_bytes", number(fresh.peakBytes()));
        json.add("baseline_bytes", number(fresh.baselineBytes()));
        return json;
    }

    private static JsonElement of(OperatorTime operator) {
        JsonObject json = new JsonObject();
        json.addProperty("name", operator.name());
        json.addProperty("operator", operator.operator());
        json.addProperty("ns", operator.nanos());
        return json;
    }

    private static JsonElement of(Failure failure) {
        JsonObject json = new JsonObject();
        json.addProperty("kind", failure.kind().text());
        json.addProperty("message", failure.message());
        return json;
    }

    private static JsonElement of(Peak peak) {
        JsonObject json = new JsonObject();
        json.addProperty("threads", peak.threads());
        json.addProperty("gmac_per_s", peak.gmacPerSecond());
        json.addProperty("gbyte_per_s", peak.gbytePerSecond());
        return json;
    }

    private static JsonElement number(OptionalLong value) {
        return value.isPresent() ? new JsonPrimitive(value.getAsLong()) : JsonNull.INSTANCE;
    }

    private static <T> JsonElement list(List<T> values, Function<T, JsonElement> writing) {
        JsonArray json = new JsonArray();
        values.forEach(value -> json.add(writing.apply(value)));
        return json;
    }

    private static <T> JsonElement object(Map<String, T> values, Function<T, JsonElement> writing) {
        JsonObject json = new JsonObject();
        values.forEach((key, value) -> json.add(key, writing.apply(value)));
        return json;
    }
}
