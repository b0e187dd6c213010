package org.sscdeploy.demo.device;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;

/** What the kernel tells of the cores; Android hides much of it from apps, which then is missing. */
final class Cpus {
    private static final Path CORES = Paths.get("/sys/devices/system/cpu");

    /** Average number of running processes over the last minute. */
    OptionalDouble load() {
        try {
            return OptionalDouble.of(Double.parseDouble(text(Paths.get("/proc/loadavg")).split(" ")[0]));
        } catch (NumberFormatException error) {
            return OptionalDouble.empty();
        }
    }

    /** Governor of each core, by its number. */
    Map<String, String> governors() {
        return ofEachCore("scaling_governor", Function.identity());
    }

    /** Frequency of each core, by its number. */
    Map<String, Long> frequenciesKhz() {
        return ofEachCore("scaling_cur_freq", Long::valueOf);
    }

    /** Name of the processor as the kernel has it; empty where it has none. */
    String model() {
        return said("/proc/cpuinfo", "model name").orElse("");
    }

    /** Memory of the whole machine. */
    static OptionalLong memoryBytes() {
        return said("/proc/meminfo", "MemTotal").stream()
            .mapToLong(kilobytes -> 1024 * Long.parseLong(kilobytes.replaceAll("[^0-9]", ""))).findFirst();
    }

    private static Optional<String> said(String file, String key) {
        return Arrays.stream(text(Paths.get(file)).split("\n")).filter(line -> line.startsWith(key))
            .map(line -> line.substring(line.indexOf(':') + 1).trim()).findFirst();
    }

    private static <T> Map<String, T> ofEachCore(String file, Function<String, T> parse) {
        Map<String, T> values = new LinkedHashMap<>();
        for (int core = 0; core < Runtime.getRuntime().availableProcessors(); core++) {
            String text = text(CORES.resolve("cpu" + core).resolve("cpufreq").resolve(file));
            if (!text.isEmpty()) {
                try {
                    values.put(Integer.toString(core), parse.apply(text));
                } catch (NumberFormatException error) {
                    continue; // a kernel that writes something else; what is not known is left out
                }
            }
        }
        return values;
    }

    private static String text(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).trim();
        } catch (IOException | SecurityException error) {
            return "";
        }
    }
}
