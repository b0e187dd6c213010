package org.sscdeploy.core.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sscdeploy.core.bench.GoldenError;
import org.sscdeploy.core.bench.Turn;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** Reads result.json as {@code ssc_deploy/schemas/result.schema.json} has it. */
final class ResultReader {
    private static final int MOST_ITEMS = 10_000_000;
    private static final int MOST_KEYS = 10_000;
    private static final double MOST_FINITE = 1e300;

    /** The year 2500, as Python's dates take it. */
    private static final double MOST_UNIX_TIME = Math.nextDown(16725225600.0);

    private ResultReader() { }

    /** How one value of a list or an object is read. */
    private interface Reading<T> {
        T read(JsonNode json) throws JsonException;
    }

    static Result result(JsonNode json) throws JsonException {
        Fields.checkVersion(json);
        for (String name : entries(json, "files", Fields::sha256).keySet()) {
            if (!Fields.isFile(name)) {
                throw new JsonException("files names what is not a file of the same folder");
            }
        }
        return new Result(Fields.nonce(json), environment(json.at("environment")), snapshot(json.at("before")),
            snapshot(json.at("after")), items(json.at("measurements"), ResultReader::measurement),
            list(json, "peaks", ResultReader::peak), list(json, "notes", Fields::text),
            entries(json, "files", Fields::sha256));
    }

    private static Environment environment(JsonNode json) throws JsonException {
        return new Environment(Fields.text(json.at("device")), Fields.text(json.at("processor")),
            Fields.text(json.at("machine")), (int) json.at("cores").whole(0, Integer.MAX_VALUE),
            json.at("memory_bytes").isNull() ? OptionalLong.empty() : OptionalLong.of(count(json.at("memory_bytes"))),
            Fields.text(json.at("system")), Fields.text(json.at("runner")), entries(json, "runtimes", Fields::text));
    }

    private static Snapshot snapshot(JsonNode json) throws JsonException {
        Optional<JsonNode> load = json.find("load");
        return new Snapshot(json.at("unix_time").number(0, MOST_UNIX_TIME),
            load.isPresent() ? OptionalDouble.of(finite(load.get())) : OptionalDouble.empty(),
            entries(json, "governor", Fields::text), entries(json, "frequency_khz", ResultReader::count),
            entries(json, "temperature_c", ResultReader::finite));
    }

    private static Measurement measurement(JsonNode json) throws JsonException {
        Optional<JsonNode> fresh = json.find("fresh");
        Optional<JsonNode> failure = json.find("failure");
        return new Measurement((int) json.at("model").whole(0, Integer.MAX_VALUE),
            (int) json.at("threads").whole(1, Integer.MAX_VALUE), list(json, "golden", ResultReader::goldenError),
            list(json, "turns", ResultReader::turn),
            fresh.isPresent() ? Optional.of(fresh(fresh.get())) : Optional.empty(),
            list(json, "operators", ResultReader::operator),
            json.has("operators_note") ? Fields.text(json.at("operators_note")) : "",
            failure.isPresent() ? Optional.of(failure(failure.get())) : Optional.empty());
    }

    private static GoldenError goldenError(JsonNode json) throws JsonException {
        return new GoldenError(error(json.at("max")), error(json.at("rms")));
    }

    private static double error(JsonNode json) throws JsonException {
        return json.isNull() ? Double.POSITIVE_INFINITY : json.number(0, 1e308);
    }

    private static Turn turn(JsonNode json) throws JsonException {
        List<JsonNode> samples = json.at("samples_ns").items(1, MOST_ITEMS);
        long[] nanos = new long[samples.size()];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = samples.get(i).whole(1, Fields.MOST);
        }
        return new Turn(count(json.at("start_ns")), nanos);
    }

    private static Fresh fresh(JsonNode json) throws JsonException {
        return new Fresh(count(json.at("load_ns")), count(json.at("first_ns")), bytes(json.find("peak_bytes")),
            bytes(json.find("baseline_bytes")));
    }

    private static OptionalLong bytes(Optional<JsonNode> json) throws JsonException {
        return json.isPresent() ? OptionalLong.of(count(json.get())) : OptionalLong.empty();
    }

    private static OperatorTime operator(JsonNode json) throws JsonException {
        return new OperatorTime(Fields.text(json.at("name")), Fields.text(json.at("operator")), count(json.at("ns")));
    }

    private static Failure failure(JsonNode json) throws JsonException {
        String[] texts = new String[FailureKind.values().length];
        for (FailureKind kind : FailureKind.values()) {
            texts[kind.ordinal()] = kind.text();
        }
        String message = Fields.text(json.at("message"));
        if (message.isEmpty()) {
            throw new JsonException(json.at("message").where() + " is empty");
        }
        return new Failure(FailureKind.values()[json.at("kind").choice(texts)], message);
    }

    private static Peak peak(JsonNode json) throws JsonException {
        return new Peak((int) json.at("threads").whole(1, Integer.MAX_VALUE), rate(json.at("gmac_per_s")),
            rate(json.at("gbyte_per_s")));
    }

    private static double rate(JsonNode json) throws JsonException {
        return json.number(Double.MIN_VALUE, MOST_FINITE);
    }

    private static double finite(JsonNode json) throws JsonException {
        return json.number(-MOST_FINITE, MOST_FINITE);
    }

    private static long count(JsonNode json) throws JsonException {
        return json.whole(0, Fields.MOST);
    }

    /** A list that may be missing. */
    private static <T> List<T> list(JsonNode json, String key, Reading<T> reading) throws JsonException {
        return json.has(key) ? items(json.at(key), reading) : Collections.emptyList();
    }

    private static <T> List<T> items(JsonNode json, Reading<T> reading) throws JsonException {
        List<T> items = new ArrayList<>();
        for (JsonNode item : json.items(0, MOST_ITEMS)) {
            items.add(reading.read(item));
        }
        return items;
    }

    /** An object that may be missing. */
    private static <T> Map<String, T> entries(JsonNode json, String key, Reading<T> reading) throws JsonException {
        Map<String, T> entries = new LinkedHashMap<>();
        if (json.has(key)) {
            for (Map.Entry<String, JsonNode> entry : json.at(key).entries(MOST_KEYS).entrySet()) {
                entries.put(entry.getKey(), reading.read(entry.getValue()));
            }
        }
        return entries;
    }
}
