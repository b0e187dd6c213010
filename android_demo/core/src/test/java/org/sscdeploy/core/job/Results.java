package org.sscdeploy.core.job;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sscdeploy.core.bench.Turn;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;
import org.sscdeploy.core.json.StrictJson;
import org.sscdeploy.core.parity.Distance;

/** Reads what the app writes into result.json; the app itself reads none. */
public final class Results {
    private static final int MOST = 1_000_000;

    private Results() { }

    /** The content of a valid result.json. */
    public static Result parse(String text) throws JsonException {
        JsonNode json = StrictJson.parse(text);
        return new Result(Fields.nonce(json), environment(json.at("environment")), snapshot(json.at("before")),
            snapshot(json.at("after")), json.at("measurements").items(0, MOST, Results::measurement),
            json.has("notes") ? json.at("notes").items(0, MOST, Fields::text) : List.of(),
            texts(json, "files"));
    }

    private static Environment environment(JsonNode json) throws JsonException {
        Optional<Long> memory = json.at("memory_bytes").unlessNull(Results::count);
        return new Environment(Fields.text(json.at("device")), Fields.text(json.at("processor")),
            Fields.text(json.at("machine")), (int) json.at("cores").whole(0, Integer.MAX_VALUE),
            memory.map(OptionalLong::of).orElse(OptionalLong.empty()), Fields.text(json.at("system")),
            Fields.text(json.at("runner")), texts(json, "runtimes"));
    }

    private static Snapshot snapshot(JsonNode json) throws JsonException {
        Optional<Double> load = json.has("load") ? json.at("load").unlessNull(Results::number) : Optional.empty();
        return new Snapshot(number(json.at("unix_time")),
            load.map(OptionalDouble::of).orElse(OptionalDouble.empty()), texts(json, "governor"),
            json.has("frequency_khz") ? json.at("frequency_khz").entries(MOST, Results::count) : Map.of(),
            json.has("temperature_c") ? json.at("temperature_c").entries(MOST, Results::number) : Map.of());
    }

    private static Measurement measurement(JsonNode json) throws JsonException {
        return new Measurement((int) json.at("model").whole(0, MOST), (int) json.at("threads").whole(1, MOST),
            json.has("golden") ? json.at("golden").items(0, MOST, Results::distance) : List.of(),
            json.has("turns") ? json.at("turns").items(0, MOST, Results::turn) : List.of(),
            json.has("operators_note") ? Fields.text(json.at("operators_note")) : "",
            json.has("failure") ? json.at("failure").unlessNull(Results::failure) : Optional.empty());
    }

    private static Distance distance(JsonNode json) throws JsonException {
        return new Distance(json.at("max").unlessNull(Results::number).orElse(Double.POSITIVE_INFINITY),
            json.at("rms").unlessNull(Results::number).orElse(Double.POSITIVE_INFINITY));
    }

    private static Turn turn(JsonNode json) throws JsonException {
        return new Turn(count(json.at("start_ns")), json.at("samples_ns").items(1, MOST, Results::count).stream()
            .mapToLong(Long::longValue).toArray());
    }

    private static Failure failure(JsonNode json) throws JsonException {
        return new Failure(json.at("kind").choice(FailureKind.values(), FailureKind::text),
            Fields.text(json.at("message")));
    }

    private static Map<String, String> texts(JsonNode json, String key) throws JsonException {
        return json.has(key) ? json.at(key).entries(MOST, Fields::text) : Map.of();
    }

    private static long count(JsonNode json) throws JsonException {
        return json.whole(0, Long.MAX_VALUE);
    }

    private static double number(JsonNode json) throws JsonException {
        return json.number(-Double.MAX_VALUE, Double.MAX_VALUE);
    }
}
