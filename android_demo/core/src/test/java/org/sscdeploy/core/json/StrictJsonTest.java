package org.sscdeploy.core.json;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import java.util.Collections;
import org.junit.Test;

public class StrictJsonTest {

    @Test
    public void valuesComeBackWithTheirPlace() throws JsonException {
        JsonNode json = StrictJson.parse("{\"a\": [{\"b\": 1.5}, null], \"c\": \"\\u00e4\"}");
        assertEquals(1.5, json.at("a").items(0, 9, one -> one).get(0).at("b").number(0, 2), 0);
        assertEquals("a[0].b", json.at("a").items(0, 9, one -> one).get(0).at("b").where());
        assertTrue(json.at("a").items(0, 9, one -> one).get(1).unlessNull(one -> one).isEmpty());
        assertEquals("\u00e4", json.at("c").text(1));
    }

    @Test
    public void whatIsNotJsonIsRefused() {
        for (String text : new String[] {
            "", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "{a:1}", "[NaN]", "[Infinity]", "[-Infinity]", "nan",
            "[1] 2", "{} {}", "// c\n{}", "/* c */{}", "[01]", "[+1]", "[.5]", "[1.]", "[TRUE]", "[\"\t\"]",
            "[\"\\x\"]", "[1;2]", "{\"a\"=1}", "\ufeff{}", ")]}'\n{}", "[\"\\ud800\"]", "{\"\\udc00\": 1}"}) {
            assertThrows(text, JsonException.class, () -> StrictJson.parse(text));
        }
    }

    @Test
    public void aKeyThatStandsTwiceIsRefused() {
        JsonException error = assertThrows(
            JsonException.class, () -> StrictJson.parse("{\"size\": 1, \"size\": 2}"));
        assertEquals("'size' stands twice in one object", error.getMessage());
    }

    @Test
    public void deepNestingIsRefusedBeforeTheStackEnds() {
        String deep = String.join("", Collections.nCopies(100_000, "["));
        assertThrows(JsonException.class, () -> StrictJson.parse(deep));
        String objects = String.join("", Collections.nCopies(100_000, "{\"a\":"));
        assertThrows(JsonException.class, () -> StrictJson.parse(objects));
    }

    @Test
    public void bytesThatAreNotUtf8AreRefused() {
        byte[] broken = {'"', (byte) 0xC3, '"'};
        assertEquals("it is not UTF-8",
            assertThrows(JsonException.class, () -> StrictJson.parse(broken)).getMessage());
    }

    @Test
    public void aWholeNumberHasNoPointAndFits64Bits() throws JsonException {
        assertEquals(Long.MAX_VALUE, StrictJson.parse("9223372036854775807").whole(0, Long.MAX_VALUE));
        for (String number : new String[] {"1.0", "1e3", "9223372036854775808", "true", "\"1\"", "null"}) {
            JsonNode json = StrictJson.parse(number);
            assertThrows(number, JsonException.class, () -> json.whole(Long.MIN_VALUE, Long.MAX_VALUE));
        }
    }

    @Test
    public void aNumberBeyondFloat64IsRefused() throws JsonException {
        JsonNode json = StrictJson.parse("1e999");
        assertThrows(JsonException.class, () -> json.number(0, Double.MAX_VALUE));
    }

    @Test
    public void messagesNameTheKeyAndStayOnOneLine() throws JsonException {
        JsonNode json = StrictJson.parse("{\"models\": [{\"file\": \"a\\nb\"}]}");
        JsonNode model = json.at("models").items(0, 1, one -> one).get(0);
        assertEquals("models[0].sha256 is missing",
            assertThrows(JsonException.class, () -> model.at("sha256")).getMessage());
        assertEquals("models[0].file is 'a?b', not one of onnx",
            assertThrows(JsonException.class, () -> model.at("file").choice("onnx")).getMessage());
    }

    @Test
    public void whatIsNotFiniteIsNeverWritten() {
        JsonObject json = new JsonObject();
        json.addProperty("a", Double.NaN);
        assertThrows(IllegalArgumentException.class, () -> StrictJson.format(json));
    }
}
