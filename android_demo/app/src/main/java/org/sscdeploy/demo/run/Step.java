package org.sscdeploy.demo.run;

/** What is being done, and how far it is. Immutable. */
public final class Step {
    private final String line;
    private final int done;
    private final int total;

    /**
     * A step of many.
     *
     * @param line  in words
     * @param done  parts that are done
     * @param total of how many; 0 where that is not known
     */
    public Step(String line, int done, int total) {
        this.line = line;
        this.done = done;
        this.total = total;
    }

    /** In words. */
    public String line() {
        return line;
    }

    /** From 0 to 1; negative where it is not known. */
    public float share() {
        return total > 0 ? (float) done / total : -1;
    }
}
