package org.sscdeploy.core.bench;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import org.junit.Test;
import org.sscdeploy.core.TestFolders;

public class StatisticsTest {
    /** Both sides round exp, log and the normal tail in their own way; all else is the same to the last bit. */
    private static final double LAST_DIGITS = 1e-12;

    @Test
    public void numbersAreDrawnAsNumpyDrawsThem() throws Exception {
        for (JsonElement element : TestFolders.fixture("draws.json").getAsJsonArray()) {
            JsonObject one = element.getAsJsonObject();
            Pcg64 random = new Pcg64(one.get("seed").getAsInt());
            for (JsonElement value : one.getAsJsonArray("values")) {
                assertEquals(value.getAsInt(), random.below(one.get("bound").getAsInt()));
            }
        }
    }

    @Test
    public void figuresOfSamplesAreThoseOfPythonToTheLastBit() throws Exception {
        for (JsonObject one : cases()) {
            JsonObject expected = one.getAsJsonObject("latency");
            LatencyStats stats = Statistics.latency(turns(one, "first"));
            assertEquals(expected.get("runs").getAsInt(), stats.runs());
            assertEquals(expected.get("turns").getAsInt(), stats.turns());
            assertArrayEquals(expected.toString(),
                numbers(expected, "min", "p50", "p90", "p95", "p99", "mean", "std", "drift", "spread"),
                new double[] {stats.min(), stats.p50(), stats.p90(), stats.p95(), stats.p99(), stats.mean(),
                    stats.std(), stats.drift(), stats.spread()}, 0);
            List<String> unsteady = new ArrayList<>();
            expected.getAsJsonArray("unsteady").forEach(reason -> unsteady.add(reason.getAsString()));
            assertEquals(unsteady, stats.unsteady());
            assertEquals(unsteady.isEmpty(), stats.steady());
            assertInterval(expected.getAsJsonObject("p50_interval"), stats.p50Interval());
        }
    }

    @Test
    public void ratiosAndTheirVerdictsAreThoseOfPython() throws Exception {
        for (JsonObject one : cases()) {
            assertRatio(one.getAsJsonObject("interleaved"),
                Statistics.interleaved(turns(one, "first"), turns(one, "second")));
            assertRatio(one.getAsJsonObject("apart"), Statistics.apart(turns(one, "first"), turns(one, "second")));
        }
    }

    @Test
    public void theSamplesMeetEveryVerdictAndReason() throws Exception {
        String all = TestFolders.fixture("statistics.json").toString();
        for (String word : new String[] {"faster", "slower", "cannot tell", "more time than the first",
            "less time than the first", "turns differ", "times p50"}) {
            assertTrue(word, all.contains(word) || mirrored(word));
        }
    }

    /** "slower" and "less" come about with the sides exchanged. */
    private static boolean mirrored(String word) throws Exception {
        StringBuilder said = new StringBuilder();
        for (JsonObject one : cases()) {
            said.append(Statistics.interleaved(turns(one, "second"), turns(one, "first")).verdict().text());
            said.append(Statistics.latency(turns(one, "second")).unsteady());
        }
        return said.indexOf(word) >= 0;
    }

    private static void assertRatio(JsonObject expected, Ratio ratio) {
        near(expected.get("value").getAsDouble(), ratio.value());
        assertInterval(expected.getAsJsonObject("interval"), ratio.interval());
        assertEquals(expected.get("verdict").getAsString(), ratio.verdict().text());
        assertEquals(expected.get("interleaved").getAsBoolean(), ratio.interleaved());
    }

    private static void assertInterval(JsonObject expected, Interval interval) {
        near(expected.get("low").getAsDouble(), interval.low());
        near(expected.get("high").getAsDouble(), interval.high());
    }

    private static void near(double expected, double value) {
        assertEquals(expected, value, LAST_DIGITS * Math.abs(expected));
    }

    private static List<JsonObject> cases() throws Exception {
        JsonArray all = TestFolders.fixture("statistics.json").getAsJsonArray();
        List<JsonObject> cases = new ArrayList<>();
        all.forEach(one -> cases.add(one.getAsJsonObject()));
        assertTrue(cases.size() >= 10);
        return cases;
    }

    private static List<Turn> turns(JsonObject one, String name) {
        List<Turn> turns = new ArrayList<>();
        for (JsonElement element : one.getAsJsonArray(name)) {
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
