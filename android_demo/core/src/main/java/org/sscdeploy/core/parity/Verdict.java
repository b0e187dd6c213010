package org.sscdeploy.core.parity;

/** What a golden replay shows. */
public enum Verdict {
    /** All outputs are within the tolerance. */
    PASSED,
    /** They are not, or hold NaN or infinity. */
    FAILED
}
