package org.sscdeploy.core.bundle;

/** One block of the network in a debug bundle. Immutable. */
public final class DebugBlock {
    private final String name;
    private final String output;
    private final Tolerance tolerance;

    DebugBlock(String name, String output, Tolerance tolerance) {
        this.name = name;
        this.output = output;
        this.tolerance = tolerance;
    }

    /** Path of the module, e.g. {@code "body.7.ssc1"}. */
    public String name() {
        return name;
    }

    /** Name of the debug model's output that holds its value. */
    public String output() {
        return output;
    }

    /** How far its value may be from the reference. */
    public Tolerance tolerance() {
        return tolerance;
    }
}
