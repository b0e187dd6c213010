package org.sscdeploy.demo.engine;

import java.nio.file.Path;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.LoadedModel;

/** Keeps the model that classifies loaded, so that only the first picture waits for it. Thread for work only. */
public final class ModelCache {
    private String key = "";
    private LoadedModel model;

    /**
     * The model, loaded.
     *
     * @param sha256 of the bundle that it belongs to: another bundle may have the same paths
     * @throws EngineException the engine does not take it
     */
    public LoadedModel get(Engine engine, Path file, String sha256) throws EngineException {
        String wanted = engine.id() + " " + file + " " + sha256;
        if (model == null || !wanted.equals(key)) {
            close();
            model = engine.load(file, EngineOptions.DEFAULT);
            key = wanted;
        }
        return model;
    }

    /** Whether that model is loaded already. */
    public boolean holds(Engine engine, Path file, String sha256) {
        return model != null && key.equals(engine.id() + " " + file + " " + sha256);
    }

    /** Lets the model go. */
    public void close() {
        if (model != null) {
            model.close();
            model = null;
        }
    }
}
