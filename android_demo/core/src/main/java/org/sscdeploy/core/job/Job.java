package org.sscdeploy.core.job;

import java.util.List;
import java.util.Optional;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/**
 * What a device is asked to do; job.json.
 *
 * @param nonce       any text; the result repeats it
 * @param models      that take turns
 * @param threads     numbers of threads; all models are measured at one, then at the next
 * @param protocol    empty where nothing is to be timed: the golden sets are replayed, and no more
 * @param pin         numbers of the cores to run on; empty to leave that to the system
 * @param keepOutputs whether to write an outputs file for each model
 */
public record Job(String nonce, List<ModelFile> models, List<Integer> threads, Optional<Protocol> protocol,
        Optional<List<Integer>> pin, boolean keepOutputs) {
    /** Version of job.json, result.json and status.json; another one is refused. */
    public static final int SCHEMA_VERSION = 1;

    public Job {
        models = List.copyOf(models);
        threads = List.copyOf(threads);
    }

    /** Reads job.json; one of another schema version is refused, too. */
    public static Job parse(String json) throws JobException {
        try {
            return JobJson.job(StrictJson.parse(json));
        } catch (JsonException | IllegalArgumentException error) {
            throw new JobException("job.json cannot be used: " + error.getMessage(), error);
        }
    }
}
