package org.sscdeploy.core.json;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.ToNumberPolicy;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** JSON that anybody may have written, and JSON that everybody can read: RFC 8259 and nothing besides. */
public final class StrictJson {
    /** Objects and lists inside each other; no file of this project has more than ten. */
    private static final int DEPTH = 32;

    private static final Gson WRITER = new GsonBuilder()
        .setStrictness(Strictness.STRICT).serializeNulls().disableHtmlEscaping().create();

    private StrictJson() { }

    /**
     * Parses a text. NaN, comments, double keys, halves of characters, deep nesting and whatever follows the value are
     * refused.
     *
     * @throws JsonException it is no such text
     */
    public static JsonNode parse(String text) throws JsonException {
        if (text.startsWith("\ufeff")) { // which Gson would skip
            throw new JsonException("it begins with a byte order mark");
        }
        try (JsonReader reader = new JsonReader(new StringReader(text))) {
            reader.setStrictness(Strictness.STRICT);
            reader.setNestingLimit(DEPTH);
            JsonElement element = read(reader);
            if (reader.peek() != JsonToken.END_DOCUMENT) {
                throw new JsonException("it goes on after its end");
            }
            return new JsonNode(element, "");
        } catch (EOFException error) {
            throw new JsonException("it is cut off");
        } catch (MalformedJsonException | NumberFormatException | IllegalStateException error) {
            throw new JsonException("it is not JSON: " + firstLine(error));
        } catch (IOException error) {
            throw new JsonException("it cannot be read: " + firstLine(error));
        }
    }

    /**
     * Parses the UTF-8 content of a file.
     *
     * @throws JsonException it is no such text
     */
    public static JsonNode parse(byte[] content) throws JsonException {
        return parse(text(content));
    }

    /**
     * The text of a file.
     *
     * @throws JsonException it is not UTF-8
     */
    public static String text(byte[] content) throws JsonException {
        try { // a decoder that reports, since String's own puts question marks
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
        } catch (CharacterCodingException error) {
            throw new JsonException("it is not UTF-8");
        }
    }

    /**
     * Text of a value, on one line.
     *
     * @throws IllegalArgumentException it holds a number that is not finite
     */
    public static String format(JsonElement value) {
        return WRITER.toJson(value);
    }

    private static JsonElement read(JsonReader reader) throws IOException, JsonException {
        switch (reader.peek()) {
            case BEGIN_OBJECT:
                return object(reader);
            case BEGIN_ARRAY:
                JsonArray array = new JsonArray();
                reader.beginArray();
                while (reader.hasNext()) {
                    array.add(read(reader));
                }
                reader.endArray();
                return array;
            case STRING:
                return new JsonPrimitive(whole(reader.nextString(), reader));
            case NUMBER:
                return new JsonPrimitive(ToNumberPolicy.LAZILY_PARSED_NUMBER.readNumber(reader));
            case BOOLEAN:
                return new JsonPrimitive(reader.nextBoolean());
            case NULL:
                reader.nextNull();
                return JsonNull.INSTANCE;
            default:
                throw new JsonException("it is cut off");
        }
    }

    private static JsonObject object(JsonReader reader) throws IOException, JsonException {
        JsonObject object = new JsonObject();
        reader.beginObject();
        while (reader.hasNext()) {
            String key = whole(reader.nextName(), reader);
            if (object.has(key)) {
                throw new JsonException(JsonNode.quoted(key) + " stands twice in one object");
            }
            object.add(key, read(reader));
        }
        reader.endObject();
        return object;
    }

    private static String whole(String text, JsonReader reader) throws JsonException {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new JsonException(reader.getPath() + " holds half a character");
        }
        return text;
    }

    private static String firstLine(Exception error) {
        String message = String.valueOf(error.getMessage());
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
