package org.sscdeploy.core.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/** What a device measured; result.json. Immutable. */
public final class Result {
    private final String nonce;
    private final Environment environment;
    private final Snapshot before;
    private final Snapshot after;
    private final List<Measurement> measurements;
    private final List<Peak> peaks;
    private final List<String> notes;
    private final Map<String, String> files;

    /**
     * All of it.
     *
     * @param nonce        of the job
     * @param environment  the device
     * @param before       its state before the measurement
     * @param after        its state afterwards
     * @param measurements one for each model and number of threads, threads outermost
     * @param peaks        one a number of threads; those that could not be taken are missing
     * @param notes        sentences about what may have disturbed the run
     * @param files        SHA-256 of each file besides result.json that belongs to it, by name
     */
    public Result(String nonce, Environment environment, Snapshot before, Snapshot after, List<Measurement>
            measurements, List<Peak> peaks, List<String> notes, Map<String, String> files) {
        this.nonce = nonce;
        this.environment = environment;
        this.before = before;
        this.after = after;
        this.measurements = Collections.unmodifiableList(new ArrayList<>(measurements));
        this.peaks = Collections.unmodifiableList(new ArrayList<>(peaks));
        this.notes = Collections.unmodifiableList(new ArrayList<>(notes));
        this.files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
    }

    /** Of the job. */
    public String nonce() {
        return nonce;
    }

    /** The device. */
    public Environment environment() {
        return environment;
    }

    /** Its state before the measurement. */
    public Snapshot before() {
        return before;
    }

    /** Its state afterwards. */
    public Snapshot after() {
        return after;
    }

    /** One for each model and number of threads, threads outermost. */
    public List<Measurement> measurements() {
        return measurements;
    }

    /** One a number of threads; those that could not be taken are missing. */
    public List<Peak> peaks() {
        return peaks;
    }

    /** Sentences about what may have disturbed the run. */
    public List<String> notes() {
        return notes;
    }

    /** SHA-256 of each file besides result.json that belongs to it, by name. */
    public Map<String, String> files() {
        return files;
    }

    /**
     * Reads result.json.
     *
     * @throws JobException it is no such text, or of another schema version
     */
    public static Result parse(String json) throws JobException {
        try {
            return ResultReader.result(StrictJson.parse(json));
        } catch (JsonException error) {
            throw new JobException("result.json cannot be used: " + error.getMessage(), error);
        }
    }

    /** As result.json has it. */
    public String toJson() {
        return StrictJson.format(ResultWriter.of(this));
    }
}
