package org.sscdeploy.core.json;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** A value of parsed JSON that knows where it stands, and is checked field by field before it is believed. */
public final class JsonNode {
    private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,19}");

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

    /** Whether it is null. */
    public boolean isNull() {
        return element.isJsonNull();
    }

    /**
     * A value of an object.
     *
     * @throws JsonException this is no object, or does not have it
     */
    public JsonNode at(String key) throws JsonException {
        JsonElement found = object().element.getAsJsonObject().get(key);
        if (found == null) {
            throw new JsonException(path(key) + " is missing");
        }
        return new JsonNode(found, path(key));
    }

    /**
     * Whether an object has a key, be its value null.
     *
     * @throws JsonException this is no object
     */
    public boolean has(String key) throws JsonException {
        return object().element.getAsJsonObject().has(key);
    }

    /**
     * A value of an object; empty where it is null or not there.
     *
     * @throws JsonException this is no object
     */
    public Optional<JsonNode> find(String key) throws JsonException {
        JsonElement found = object().element.getAsJsonObject().get(key);
        return found == null || found.isJsonNull() ? Optional.empty() : Optional.of(new JsonNode(found, path(key)));
    }

    /**
     * Refuses keys of an object that are not known.
     *
     * @throws JsonException this is no object, or has one
     */
    public void only(String... keys) throws JsonException {
        for (String key : object().element.getAsJsonObject().keySet()) {
            if (!Arrays.asList(keys).contains(key)) {
                throw new JsonException(where() + " has the unknown key " + quoted(key));
            }
        }
    }

    /**
     * All values of an object, in its order.
     *
     * @param most keys that it may have
     * @throws JsonException this is no object, or has more
     */
    public Map<String, JsonNode> entries(int most) throws JsonException {
        Map<String, JsonNode> entries = new LinkedHashMap<>();
        for (Map.Entry<String, JsonElement> entry : object().element.getAsJsonObject().entrySet()) {
            entries.put(entry.getKey(), new JsonNode(entry.getValue(), path(entry.getKey())));
        }
        if (entries.size() > most) {
            throw new JsonException(where() + " has more than " + most + " keys");
        }
        return entries;
    }

    /**
     * All values of a list.
     *
     * @param least values that it must have
     * @param most  values that it may have
     * @throws JsonException this is no list, or has fewer or more
     */
    public List<JsonNode> items(int least, int most) throws JsonException {
        if (!element.isJsonArray()) {
            throw new JsonException(where() + " is no list");
        }
        int size = element.getAsJsonArray().size();
        if (size < least || size > most) {
            throw new JsonException(where() + " has " + size + " values; it may have " + least + " to " + most);
        }
        List<JsonNode> items = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            items.add(new JsonNode(element.getAsJsonArray().get(i), where + "[" + i + "]"));
        }
        return items;
    }

    /**
     * A text.
     *
     * @param most characters that it may have
     * @throws JsonException this is no text, or longer
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
     * @throws JsonException it is not
     */
    public String text(Pattern form, String kind) throws JsonException {
        String text = text(1000);
        if (!form.matcher(text).matches()) {
            throw new JsonException(where() + " is " + quoted(text) + ", not " + kind);
        }
        return text;
    }

    /**
     * One of some texts.
     *
     * @return its place among them
     * @throws JsonException it is none of them
     */
    public int choice(String... texts) throws JsonException {
        String text = text(1000);
        int place = Arrays.asList(texts).indexOf(text);
        if (place < 0) {
            throw new JsonException(where() + " is " + quoted(text) + ", not one of " + String.join(", ", texts));
        }
        return place;
    }

    /**
     * A whole number, written without a point.
     *
     * @throws JsonException this is none, or not in the range
     */
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

    /**
     * A number.
     *
     * @throws JsonException this is none, or not in the range
     */
    public double number(double least, double most) throws JsonException {
        double value = Double.parseDouble(number());
        if (value >= least && value <= most) {
            return value;
        }
        throw new JsonException(where() + " is " + value + "; it may be " + least + " to " + most);
    }

    /**
     * True or false.
     *
     * @throws JsonException this is neither
     */
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
    static String quoted(String text) {
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return "'" + (printable.length() > 60 ? printable.substring(0, 60) + "..." : printable) + "'";
    }
}
