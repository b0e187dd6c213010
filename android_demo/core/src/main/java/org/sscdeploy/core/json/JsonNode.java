package org.sscdeploy.core.json;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A value of parsed JSON that knows where it stands, and is checked field by field before it is believed. What asks for
 * something that it is not, or for a value out of bounds, throws a {@link JsonException} that names the place.
 */
public final class JsonNode {
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,19}");

    /**
     * How one value is read.
     *
     * @param <T> what it is read as
     */
    @FunctionalInterface
    public interface Reading<T> {
        /** Reads it, or says why it cannot. */
        T read(JsonNode json) throws JsonException;
    }

    private final JsonElement element;
    private final String where;

    JsonNode(JsonElement element, String where) {
        this.element = element;
        this.where = where;
    }

    /** Where it stands, e.g. {@code "models[0].file"}; {@code "it"} for the whole. */
    public String where() {
        return where.isEmpty() ? "it" : where;
    }

    /** A value of an object. */
    public JsonNode at(String key) throws JsonException {
        JsonElement found = object().element.getAsJsonObject().get(key);
        if (found == null) {
            throw new JsonException(path(key) + " is missing");
        }
        return new JsonNode(found, path(key));
    }

    /** Whether an object has a key, be its value null. */
    public boolean has(String key) throws JsonException {
        return object().element.getAsJsonObject().has(key);
    }

    /** What this is read as; empty where it is null. */
    public <T> Optional<T> unlessNull(Reading<T> reading) throws JsonException {
        return element.isJsonNull() ? Optional.empty() : Optional.of(reading.read(this));
    }

    /** Refuses keys of an object that are not known. */
    public void only(String... keys) throws JsonException {
        for (String key : object().element.getAsJsonObject().keySet()) {
            if (!List.of(keys).contains(key)) {
                throw new JsonException(where() + " has the unknown key " + quoted(key));
            }
        }
    }

    /**
     * All values of an object, in its order.
     *
     * @param most keys that it may have
     */
    public <T> Map<String, T> entries(int most, Reading<T> reading) throws JsonException {
        var object = object().element.getAsJsonObject();
        if (object.size() > most) {
            throw new JsonException(where() + " has more than " + most + " keys");
        }
        Map<String, T> entries = new LinkedHashMap<>();
        for (String key : object.keySet()) {
            entries.put(key, reading.read(at(key)));
        }
        return Collections.unmodifiableMap(entries);
    }

    /**
     * All values of a list.
     *
     * @param least values that it must have
     * @param most  values that it may have
     */
    public <T> List<T> items(int least, int most, Reading<T> reading) throws JsonException {
        if (!element.isJsonArray()) {
            throw new JsonException(where() + " is no list");
        }
        int size = element.getAsJsonArray().size();
        if (size < least || size > most) {
            throw new JsonException(where() + " has " + size + " values; it may have " + least + " to " + most);
        }
        List<T> items = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            items.add(reading.read(new JsonNode(element.getAsJsonArray().get(i), where + "[" + i + "]")));
        }
        return Collections.unmodifiableList(items);
    }

    /**
     * A text.
     *
     * @param most characters that it may have
     */
    public String text(int most) throws JsonException {
        if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
            throw new JsonException(where() + " is no text");
        }
        String text = element.getAsString();
        if (text.codePointCount(0, text.length()) > most) {
            throw new JsonException(where() + " is longer than " + most + " characters");
        }
        return text;
    }

    /**
     * A text of a certain form.
     *
     * @param form what all of it must match
     * @param kind of what it is, for the message: "a SHA-256"
     */
    public String text(Pattern form, String kind) throws JsonException {
        String text = text(1000);
        if (!form.matcher(text).matches()) {
            throw new JsonException(where() + " is " + quoted(text) + ", not " + kind);
        }
        return text;
    }

    /** One of some texts. */
    public String choice(String... texts) throws JsonException {
        return choice(texts, Function.identity());
    }

    /** One of some values, by its text. */
    public <T> T choice(T[] values, Function<T, String> textOf) throws JsonException {
        String text = text(1000);
        for (T value : values) {
            if (textOf.apply(value).equals(text)) {
                return value;
            }
        }
        throw new JsonException(where() + " is " + quoted(text) + ", not one of "
            + Arrays.stream(values).map(textOf).collect(Collectors.joining(", ")));
    }

    /** A whole number, written without a point. */
    public long whole(long least, long most) throws JsonException {
        String literal = number();
        if (!WHOLE.matcher(literal).matches()) {
            throw new JsonException(where() + " is " + quoted(literal) + ", not a whole number of 64 bits");
        }
        try {
            long value = Long.parseLong(literal);
            if (value >= least && value <= most) {
                return value;
            }
            throw new JsonException(where() + " is " + value + "; it may be " + least + " to " + most);
        } catch (NumberFormatException error) {
            throw new JsonException(where() + " is a number of more than 64 bits");
        }
    }

    /** A number. */
    public double number(double least, double most) throws JsonException {
        double value = Double.parseDouble(number());
        if (value >= least && value <= most) {
            return value;
        }
        throw new JsonException(where() + " is " + value + "; it may be " + least + " to " + most);
    }

    /** True or false. */
    public boolean flag() throws JsonException {
        if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isBoolean()) {
            throw new JsonException(where() + " is neither true nor false");
        }
        return element.getAsBoolean();
    }

    private String number() throws JsonException {
        if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isNumber()) {
            throw new JsonException(where() + " is no number");
        }
        return element.getAsString();
    }

    private JsonNode object() throws JsonException {
        if (!element.isJsonObject()) {
            throw new JsonException(where() + " is no object");
        }
        return this;
    }

    private String path(String key) {
        String name = key.length() > 60 ? key.substring(0, 60) + "..." : key;
        return where.isEmpty() ? name : where + "." + name;
    }

    /** Text for a message: short, in quotation marks, nothing in it that breaks a line. */
    public static String quoted(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return "'" + (printable.length() > 60 ? printable.substring(0, 60) + "..." : printable) + "'";
    }
}
