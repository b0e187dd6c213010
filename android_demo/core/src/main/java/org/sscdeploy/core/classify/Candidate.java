package org.sscdeploy.core.classify;

/** One class that a picture may show. Immutable. */
public final class Candidate {
    private final int index;
    private final String label;
    private final double probability;

    /**
     * A class with its probability.
     *
     * @param index       0 the first
     * @param label       its name
     * @param probability 0 to 1
     */
    public Candidate(int index, String label, double probability) {
        this.index = index;
        this.label = label;
        this.probability = probability;
    }

    /** Of the class, 0 the first. */
    public int index() {
        return index;
    }

    /** The class's name. */
    public String label() {
        return label;
    }

    /** Softmax of the logits, 0 to 1. */
    public double probability() {
        return probability;
    }
}
