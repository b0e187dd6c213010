package org.sscdeploy.core.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/** What a device is asked to do; job.json. Immutable. */
public final class Job {
    /** Version of job.json, result.json and status.json; another one is refused. */
    public static final int SCHEMA_VERSION = 1;

    private final String nonce;
    private final List<ModelFile> models;
    private final List<Integer> threads;
    private final Optional<Protocol> protocol;
    private final Optional<List<Integer>> pin;
    private final boolean keepOutputs;

    /**
     * All of it.
     *
     * @param nonce       any text; the result repeats it
     * @param models      that take turns
     * @param threads     numbers of threads; all models are measured at one, then at the next
     * @param protocol    empty where nothing is to be timed: the golden sets are replayed, and no more
     * @param pin         numbers of the cores to run on; empty to leave that to the system
     * @param keepOutputs whether to write an outputs file for each model
     */
    public Job(String nonce, List<ModelFile> models, List<Integer> threads, Optional<Protocol> protocol,
            Optional<List<Integer>> pin, boolean keepOutputs) {
        this.nonce = nonce;
        this.models = Collections.unmodifiableList(new ArrayList<>(models));
        this.threads = Collections.unmodifiableList(new ArrayList<>(threads));
        this.protocol = protocol;
        this.pin = pin;
        this.keepOutputs = keepOutputs;
    }

    /** Any text; the result repeats it. */
    public String nonce() {
        return nonce;
    }

    /** That take turns. */
    public List<ModelFile> models() {
        return models;
    }

    /** Numbers of threads; all models are measured at one, then at the next. */
    public List<Integer> threads() {
        return threads;
    }

    /** Empty where nothing is to be timed: the golden sets are replayed, and no more. */
    public Optional<Protocol> protocol() {
        return protocol;
    }

    /** Numbers of the cores to run on; empty to leave that to the system. */
    public Optional<List<Integer>> pin() {
        return pin;
    }

    /** Whether to write an outputs file for each model. */
    public boolean keepOutputs() {
        return keepOutputs;
    }

    /**
     * Reads job.json.
     *
     * @throws JobException it is no such text, or of another schema version
     */
    public static Job parse(String json) throws JobException {
        try {
            return JobJson.job(StrictJson.parse(json));
        } catch (JsonException | IllegalArgumentException error) {
            throw new JobException("job.json cannot be used: " + error.getMessage(), error);
        }
    }

    /** As job.json has it. */
    public String toJson() {
        return StrictJson.format(JobJson.of(this));
    }
}
