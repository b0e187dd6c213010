package org.sscdeploy.core.job;

import java.util.List;
import org.sscdeploy.core.bundle.Tolerance;

/**
 * Inputs with known outputs; a model that does not reproduce them is not timed.
 *
 * @param file   its name in the job's folder
 * @param sha256 of it, hexadecimal
 * @param bounds one an output of the model
 * @param origin where the outputs come from: {@code "export"} or {@code "host"}
 */
public record Golden(String file, String sha256, List<Tolerance> bounds, String origin) {
    public Golden {
        bounds = List.copyOf(bounds);
    }
}
