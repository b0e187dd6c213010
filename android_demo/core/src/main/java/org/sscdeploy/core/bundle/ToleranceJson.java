package org.sscdeploy.core.bundle;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
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
        return new Tolerance(json.at("max").number(0, MOST), json.at("rms").number(0, MOST),
            json.has("axes") ? axes(json.at("axes")) : new AxisBound[0]);
    }

    private static AxisBound[] axes(JsonNode json) throws JsonException {
        List<AxisBound> axes = new ArrayList<>();
        for (JsonNode bound : json.items(1, MOST_AXES)) {
            bound.only("axis", "max");
            int least = axes.isEmpty() ? 1 : axes.get(axes.size() - 1).axis() + 1;
            int axis = (int) bound.at("axis").whole(least, MOST_AXES);
            List<JsonNode> items = bound.at("max").items(1, MOST_SLICES);
            double[] max = new double[items.size()];
            for (int i = 0; i < max.length; i++) {
                max[i] = items.get(i).number(0, MOST);
            }
            axes.add(new AxisBound(axis, max));
        }
        return axes.toArray(new AxisBound[0]);
    }

    /** The same as an object; {@code axes} only where there are some. */
    public static JsonObject of(Tolerance tolerance) {
        JsonObject json = new JsonObject();
        json.addProperty("max", tolerance.max());
        json.addProperty("rms", tolerance.rms());
        if (!tolerance.axes().isEmpty()) {
            JsonArray axes = new JsonArray();
            for (AxisBound bound : tolerance.axes()) {
                JsonArray max = new JsonArray();
                for (int i = 0; i < bound.size(); i++) {
                    max.add(bound.max(i));
                }
                JsonObject one = new JsonObject();
                one.addProperty("axis", bound.axis());
                one.add("max", max);
                axes.add(one);
            }
            json.add("axes", axes);
        }
        return json;
    }
}
