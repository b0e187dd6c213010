package org.sscdeploy.core.job;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/** The device and what runs on it. Immutable. */
public final class Environment {
    private final String device;
    private final String processor;
    private final String machine;
    private final int cores;
    private final OptionalLong memoryBytes;
    private final String system;
    private final String runner;
    private final Map<String, String> runtimes;

    /**
     * All of it.
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
    public Environment(String device, String processor, String machine, int cores, OptionalLong memoryBytes,
            String system, String runner, Map<String, String> runtimes) {
        this.device = device;
        this.processor = processor;
        this.machine = machine;
        this.cores = cores;
        this.memoryBytes = memoryBytes;
        this.system = system;
        this.runner = runner;
        this.runtimes = Collections.unmodifiableMap(new LinkedHashMap<>(runtimes));
    }

    /** Its name, as it gives it. */
    public String device() {
        return device;
    }

    /** Likewise. */
    public String processor() {
        return processor;
    }

    /** Instruction set, e.g. {@code "aarch64"}. */
    public String machine() {
        return machine;
    }

    /** That this process may use. */
    public int cores() {
        return cores;
    }

    /** Of the device; empty where it does not tell. */
    public OptionalLong memoryBytes() {
        return memoryBytes;
    }

    /** E.g. {@code "Android 15 (API 35)"}. */
    public String system() {
        return system;
    }

    /** What carried out the job. */
    public String runner() {
        return runner;
    }

    /** Versions of the runtimes that are there, by the name of their package. */
    public Map<String, String> runtimes() {
        return runtimes;
    }
}
