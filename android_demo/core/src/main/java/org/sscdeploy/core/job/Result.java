package org.sscdeploy.core.job;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sscdeploy.core.json.StrictJson;

/**
 * What a device measured; result.json.
 *
 * @param nonce        of the job
 * @param environment  the device
 * @param before       its state before the measurement
 * @param after        its state afterwards
 * @param measurements one for each model and number of threads, threads outermost
 * @param notes        sentences about what may have disturbed the run
 * @param files        SHA-256 of each file besides result.json that belongs to it, by name
 */
public record Result(String nonce, Environment environment, Snapshot before, Snapshot after,
        List<Measurement> measurements, List<String> notes, Map<String, String> files) {
    public Result {
        measurements = List.copyOf(measurements);
        notes = List.copyOf(notes);
        files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
    }

    /** As result.json has it. */
    public String toJson() {
        return StrictJson.format(ResultWriter.of(this));
    }
}
