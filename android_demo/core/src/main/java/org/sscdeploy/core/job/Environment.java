package org.sscdeploy.core.job;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The device and what runs on it.
 *
 * @param device      its name, as it gives it
 * @param processor   likewise
 * @param machine     instruction set, e.g. {@code "aarch64"}
 * @param cores       that this process may use
 * @param memoryBytes of the device; empty where it does not tell
 * @param system      e.g. {@code "Android 15 (API 35)"}
 * @param runner      what carried out the job
 * @param runtimes    versions of the runtimes that are there, by the name of their package
 */
public record Environment(String device, String processor, String machine, int cores, OptionalLong memoryBytes,
        String system, String runner, Map<String, String> runtimes) {
    public Environment {
        runtimes = Collections.unmodifiableMap(new LinkedHashMap<>(runtimes));
    }
}
