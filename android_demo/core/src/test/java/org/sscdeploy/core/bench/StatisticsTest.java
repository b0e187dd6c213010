package org.sscdeploy.core.bench;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;
import org.sscdeploy.core.TestFolders;

public class StatisticsTest {
    @Test
    public void figuresOfSamplesAreThoseOfPythonToTheLastBit() throws Exception {
        for (JsonObject one : cases()) {
            JsonObject expected = one.getAsJsonObject("latency");
            LatencyStats stats = Statistics.latency(turns(one));
            assertEquals(expected.get("runs").getAsInt(), stats.runs());
            assertArrayEquals(expected.toString(), numbers(expected, "p50", "p90", "p95", "p99"),
                new double[] {stats.p50(), stats.p90(), stats.p95(), stats.p99()}, 0);
            List<String> unsteady = new ArrayList<>();
            expected.getAsJsonArray("unsteady").forEach(reason -> unsteady.add(reason.getAsString()));
            assertEquals(unsteady, stats.unsteady());
            assertEquals(unsteady.isEmpty(), stats.steady());
            assertInterval(expected.getAsJsonObject("p50_interval"), stats.p50Interval());
        }
    }

    @Test
    public void theIntervalOfAMedianIsThatOfPythonForEveryNumberOfTurns() throws Exception {
        for (JsonElement element : TestFolders.fixture("intervals.json").getAsJsonArray()) {
            JsonObject one = element.getAsJsonObject();
            double[] values = new double[one.getAsJsonArray("values").size()];
            Arrays.setAll(values, i -> one.getAsJsonArray("values").get(i).getAsDouble());
            assertInterval(one.getAsJsonObject("interval"), Statistics.medianInterval(values));
        }
    }

    @Test
    public void theSamplesMeetEveryReason() throws Exception {
        String all = TestFolders.fixture("statistics.json").toString();
        for (String word : new String[] {"more time than the first", "less time than the first", "turns differ",
            "times p50"}) {
            assertTrue(word, all.contains(word));
        }
    }

    private static void assertInterval(JsonObject expected, Interval interval) {
        assertEquals(expected.get("low").getAsDouble(), interval.low(), 0);
        assertEquals(expected.get("high").getAsDouble(), interval.high(), 0);
    }

    private static List<JsonObject> cases() throws Exception {
        JsonArray all = TestFolders.fixture("statistics.json").getAsJsonArray();
        List<JsonObject> cases = new ArrayList<>();
        all.forEach(one -> cases.add(one.getAsJsonObject()));
        assertTrue(cases.size() >= 10);
        return cases;
    }

    private static List<Turn> turns(JsonObject one) {
        List<Turn> turns = new ArrayList<>();
        for (JsonElement element : one.getAsJsonArray("turns")) {
            JsonArray samples = element.getAsJsonArray();
            long[] nanos = new long[samples.size()];
            for (int i = 0; i < nanos.length; i++) {
                nanos[i] = samples.get(i).getAsLong();
            }
            turns.add(new Turn(0, nanos));
        }
        return turns;
    }

    private static double[] numbers(JsonObject json, String... names) {
        double[] numbers = new double[names.length];
        for (int i = 0; i < names.length; i++) {
            numbers[i] = json.get(names[i]).getAsDouble();
        }
        return numbers;
    }
}
