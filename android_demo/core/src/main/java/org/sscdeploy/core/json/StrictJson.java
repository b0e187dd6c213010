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
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;

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

    /** Parses the UTF-8 content of a file, likewise. */
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

    /**
     * An object of keys and values that take turns. A value is a text, a number, true or false, null, a value of Gson,
     * an optional one, which is null where it is empty, or a list or map of these.
     */
    public static JsonObject object(Object... keysAndValues) {
        JsonObject object = new JsonObject();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            object.add((String) keysAndValues[i], element(keysAndValues[i + 1]));
        }
        return object;
    }

    /** A list of what each value is written as. */
    public static <T> JsonArray list(Iterable<T> values, Function<T, ?> writing) {
        JsonArray list = new JsonArray();
        values.forEach(value -> list.add(element(writing.apply(value))));
        return list;
    }

    private static JsonElement element(Object value) {
        if (value instanceof Optional<?> optional) {
            return element(optional.orElse(null));
        } else if (value instanceof OptionalLong optional) {
            return element(optional.isPresent() ? optional.getAsLong() : null);
        } else if (value instanceof OptionalDouble optional) {
            return element(optional.isPresent() ? optional.getAsDouble() : null);
        } else if (value instanceof Iterable<?> values && !(value instanceof JsonElement)) {
            return list(values, Function.identity());
        } else if (value instanceof Map<?, ?> map) {
            JsonObject object = new JsonObject();
            map.forEach((key, one) -> object.add((String) key, element(one)));
            return object;
        }
        return WRITER.toJsonTree(value);
    }

    private static JsonElement read(JsonReader reader) throws IOException, JsonException {
        return switch (reader.peek()) {
            case BEGIN_OBJECT -> object(reader);
            case BEGIN_ARRAY -> {
                JsonArray array = new JsonArray();
                reader.beginArray();
                while (reader.hasNext()) {
                    array.add(read(reader));
                }
                reader.endArray();
                yield array;
            }
            case STRING -> new JsonPrimitive(whole(reader.nextString(), reader));
            case NUMBER -> new JsonPrimitive(ToNumberPolicy.LAZILY_PARSED_NUMBER.readNumber(reader));
            case BOOLEAN -> new JsonPrimitive(reader.nextBoolean());
            case NULL -> {
                reader.nextNull();
                yield JsonNull.INSTANCE;
            }
            default -> throw new JsonException("it is cut off");
        };
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
