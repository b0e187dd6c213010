package org.sscdeploy.demo.device;

import java.util.OptionalDouble;
import org.sscdeploy.demo.R;

/**
 * How warm a device was at a moment.
 *
 * @param status         a {@code PowerManager.THERMAL_STATUS_...}, or {@link #UNKNOWN}
 * @param batteryCelsius of the battery; empty where there is none
 */
public record ThermalState(int status, OptionalDouble batteryCelsius) {
    /** The system does not tell. */
    public static final int UNKNOWN = -1;

    /** From this of Android's levels on, a device slows down so that users notice. */
    private static final int MODERATE = 2;

    private static final int[] NAMES = {
        R.string.thermal_none, R.string.thermal_light, R.string.thermal_moderate, R.string.thermal_severe,
        R.string.thermal_critical, R.string.thermal_emergency, R.string.thermal_shutdown,
    };

    /** What people call the level, a string resource. */
    public int name() {
        return status < 0 || status >= NAMES.length ? R.string.thermal_unknown : NAMES[status];
    }

    /** Whether the system slows down because of heat. */
    public boolean throttled() {
        return status >= MODERATE;
    }
}
