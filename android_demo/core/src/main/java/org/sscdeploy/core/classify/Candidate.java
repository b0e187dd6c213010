package org.sscdeploy.core.classify;

import java.util.OptionalDouble;

/** One class that a picture may show, or one number of an output that is of no classes. Immutable. */
public final class Candidate {
    private final int index;
    private final String label;
    private final OptionalDouble probability;
    private final float value;

    /**
     * A class with its probability.
     *
     * @param index       0 the first
     * @param label       its name
     * @param probability 0 to 1; nothing where the outputs are of no classes
     * @param value       as the network gives it
     */
    public Candidate(int index, String label, OptionalDouble probability, float value) {
        this.index = index;
        this.label = label;
        this.probability = probability;
        this.value = value;
    }

    /** Of the class, 0 the first. */
    public int index() {
        return index;
    }

    /** The class's name. */
    public String label() {
        return label;
    }

    /** 0 to 1; nothing where the outputs are of no classes. */
    public OptionalDouble probability() {
        return probability;
    }

    /** As the network gives it. */
    public float value() {
        return value;
    }
}
