package org.sscdeploy.core.job;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/** The state of the device; whatever the system does not tell is empty, or not in the map. Immutable. */
public final class Snapshot {
    private final double unixTime;
    private final OptionalDouble load;
    private final Map<String, String> governor;
    private final Map<String, Long> frequencyKhz;
    private final Map<String, Double> temperatureCelsius;

    /**
     * All of it.
     *
     * @param unixTime           seconds since 1970
     * @param load               average number of running processes over the last minute
     * @param governor           of each core that has one, by its number
     * @param frequencyKhz       of each core, likewise
     * @param temperatureCelsius of each thermal zone, by its type
     */
    public Snapshot(double unixTime, OptionalDouble load, Map<String, String> governor, Map<String, Long>
            frequencyKhz, Map<String, Double> temperatureCelsius) {
        this.unixTime = unixTime;
        this.load = load;
        this.governor = Collections.unmodifiableMap(new LinkedHashMap<>(governor));
        this.frequencyKhz = Collections.unmodifiableMap(new LinkedHashMap<>(frequencyKhz));
        this.temperatureCelsius = Collections.unmodifiableMap(new LinkedHashMap<>(temperatureCelsius));
    }

    /** Seconds since 1970. */
    public double unixTime() {
        return unixTime;
    }

    /** Average number of running processes over the last minute. */
    public OptionalDouble load() {
        return load;
    }

    /** Of each core that has one, by its number. */
    public Map<String, String> governor() {
        return governor;
    }

    /** Of each core, likewise. */
    public Map<String, Long> frequencyKhz() {
        return frequencyKhz;
    }

    /** Of each thermal zone, by its type. */
    public Map<String, Double> temperatureCelsius() {
        return temperatureCelsius;
    }
}
