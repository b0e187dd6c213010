package org.sscdeploy.core.job;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The state of the device; whatever the system does not tell is empty, or not in the map.
 *
 * @param unixTime           seconds since 1970
 * @param load               average number of running processes over the last minute
 * @param governor           of each core that has one, by its number
 * @param frequencyKhz       of each core, likewise
 * @param temperatureCelsius of each thermal zone, by its type
 */
public record Snapshot(double unixTime, OptionalDouble load, Map<String, String> governor,
        Map<String, Long> frequencyKhz, Map<String, Double> temperatureCelsius) {
    public Snapshot {
        governor = Collections.unmodifiableMap(new LinkedHashMap<>(governor));
        frequencyKhz = Collections.unmodifiableMap(new LinkedHashMap<>(frequencyKhz));
        temperatureCelsius = Collections.unmodifiableMap(new LinkedHashMap<>(temperatureCelsius));
    }
}
