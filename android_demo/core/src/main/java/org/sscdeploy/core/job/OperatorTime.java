package org.sscdeploy.core.job;

/** What one operator takes, as the runtime's own profiler has it. Immutable. */
public final class OperatorTime {
    private final String name;
    private final String operator;
    private final long nanos;

    /**
     * All of it.
     *
     * @param name     that the runtime gives it
     * @param operator its type, e.g. {@code "Conv"}
     * @param nanos    in one inference
     */
    public OperatorTime(String name, String operator, long nanos) {
        this.name = name;
        this.operator = operator;
        this.nanos = nanos;
    }

    /** That the runtime gives it. */
    public String name() {
        return name;
    }

    /** Its type, e.g. {@code "Conv"}. */
    public String operator() {
        return operator;
    }

    /** In one inference. */
    public long nanos() {
        return nanos;
    }
}
