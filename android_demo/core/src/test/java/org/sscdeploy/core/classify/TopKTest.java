package org.sscdeploy.core.classify;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.sscdeploy.core.TestFolders;

public class TopKTest {

    @Test
    public void theBestClassesAreThoseOfPythonInItsOrder() throws Exception {
        for (JsonElement element : TestFolders.fixture("candidates.json").getAsJsonArray()) {
            JsonObject one = element.getAsJsonObject();
            OutputKind kind = Arrays.stream(OutputKind.values())
                .filter(each -> each.text().equals(one.get("kind").getAsString())).findFirst().get();
            float[] logits = new float[one.getAsJsonArray("logits").size()];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = one.getAsJsonArray("logits").get(i).getAsFloat();
            }
            List<Candidate> best = TopK.of(logits, kind, Collections.emptyList(), 5);
            assertEquals(one.getAsJsonArray("indices").size(), best.size());
            for (int i = 0; i < best.size(); i++) {
                assertEquals(one.toString(), one.getAsJsonArray("indices").get(i).getAsInt(), best.get(i).index());
                assertEquals(logits[best.get(i).index()], best.get(i).value(), 0);
                assertEquals(one.toString(), !one.get("probabilities").isJsonNull(),
                    best.get(i).probability().isPresent());
                if (best.get(i).probability().isPresent()) {
                    double expected = one.getAsJsonArray("probabilities").get(i).getAsDouble();
                    assertEquals(one.toString(), expected, best.get(i).probability().getAsDouble(), 1e-14 * expected);
                }
            }
        }
    }

    @Test
    public void ofEqualClassesTheFirstComesFirstAndHasItsLabel() {
        List<Candidate> best = TopK.of(new float[] {1, 2, 2, 0}, OutputKind.SCORES, Arrays.asList("ant", "bee", "cat"), 9);
        assertEquals(4, best.size());
        assertEquals("bee", best.get(0).label());
        assertEquals("cat", best.get(1).label());
        assertEquals("3", best.get(3).label());
    }

    @Test
    public void probabilitiesAddUpHoweverLargeTheLogitsAre() {
        double[] probabilities = Softmax.of(new float[] {3e38f, 3e38f, -3e38f});
        assertEquals(0.5, probabilities[0], 0);
        assertEquals(0, probabilities[2], 0);
    }

    @Test
    public void aLogitThatIsNotANumberIsNotHidden() {
        assertTrue(Double.isNaN(Softmax.of(new float[] {Float.NaN, 1})[1]));
    }
}
