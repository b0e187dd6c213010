package org.sscdeploy.demo.engine;

import android.content.res.Resources;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.demo.R;

/** The runtimes that the app carries; whether the device takes their libraries shows when one is asked. */
public final class Engines {
    private final List<Engine> engines;
    private final Resources resources;

    /** These runtimes, the one to start with first. */
    public Engines(List<Engine> engines, Resources resources) {
        this.engines = List.copyOf(engines);
        this.resources = resources;
    }

    /** All of them. */
    public List<Engine> all() {
        return engines;
    }

    /** The runtime of that name. */
    public Optional<Engine> byId(String id) {
        return engines.stream().filter(engine -> engine.id().equals(id)).findFirst();
    }

    /** Names for people of the runtimes that have a model in this bundle, by their id; none where it is null. */
    public Map<String, String> offered(Bundle bundle) {
        Map<String, String> names = new LinkedHashMap<>();
        engines.stream().filter(engine -> bundle != null && bundle.model(engine.format()).isPresent())
            .forEach(engine -> names.put(engine.id(), name(engine)));
        return names;
    }

    /** What people call it. */
    public String name(Engine engine) {
        return switch (engine.id()) {
            case "onnxruntime" -> resources.getString(R.string.onnxruntime);
            case "tflite" -> resources.getString(R.string.tflite);
            default -> engine.id();
        };
    }

    /** Name and version; loads the library. */
    public String nameAndVersion(Engine engine) {
        return (name(engine) + " " + engine.version()).trim();
    }

    /** Versions of those whose library the device takes, by their id; loads the libraries, so not on the main thread. */
    public Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        engines.forEach(engine -> versions.put(engine.id(), engine.version()));
        versions.values().removeIf(String::isEmpty);
        return versions;
    }
}
