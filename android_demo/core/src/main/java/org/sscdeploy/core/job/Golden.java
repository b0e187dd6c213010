package org.sscdeploy.core.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sscdeploy.core.bundle.Tolerance;

/** Inputs with known outputs; a model that does not reproduce them is not timed. Immutable. */
public final class Golden {
    private final String file;
    private final String sha256;
    private final List<Tolerance> bounds;
    private final String origin;

    /**
     * All of it.
     *
     * @param file   its name in the job's folder
     * @param sha256 of it, hexadecimal
     * @param bounds one an output of the model
     * @param origin where the outputs come from: {@code "export"} or {@code "host"}
     */
    public Golden(String file, String sha256, List<Tolerance> bounds, String origin) {
        this.file = file;
        this.sha256 = sha256;
        this.bounds = Collections.unmodifiableList(new ArrayList<>(bounds));
        this.origin = origin;
    }

    /** Its name in the job's folder. */
    public String file() {
        return file;
    }

    /** Of it, hexadecimal. */
    public String sha256() {
        return sha256;
    }

    /** One an output of the model. */
    public List<Tolerance> bounds() {
        return bounds;
    }

    /** Where the outputs come from: {@code "export"} or {@code "host"}. */
    public String origin() {
        return origin;
    }
}
