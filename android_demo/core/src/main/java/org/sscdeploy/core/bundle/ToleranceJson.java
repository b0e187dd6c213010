package org.sscdeploy.core.bundle;

import java.util.List;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.JsonNode;

/** The keys {@code max}, {@code rms} and {@code axes} of the schemas {@code model} and {@code job}. */
public final class ToleranceJson {
    private static final double MOST = 1e300;
    private static final int MOST_AXES = 7;
    private static final int MOST_SLICES = 1_000_000;

    private ToleranceJson() { }

    /**
     * Reads them from an object; it may have no {@code axes}.
     *
     * @throws JsonException it has others
     */
    public static Tolerance read(JsonNode json) throws JsonException {
        List<AxisBound> axes = json.has("axes")
            ? json.at("axes").items(1, MOST_AXES, ToleranceJson::bound) : List.of();
        for (int i = 1; i < axes.size(); i++) {
            if (axes.get(i).axis() <= axes.get(i - 1).axis()) {
                throw new JsonException(json.at("axes").where() + " has axes that do not go up");
            }
        }
        return new Tolerance(json.at("max").number(0, MOST), json.at("rms").number(0, MOST), axes);
    }

    private static AxisBound bound(JsonNode json) throws JsonException {
        json.only("axis", "max");
        int axis = (int) json.at("axis").whole(1, MOST_AXES);
        List<Double> max = json.at("max").items(1, MOST_SLICES, one -> one.number(0, MOST));
        return new AxisBound(axis, max.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
