package org.sscdeploy.demo.run;

/**
 * What is being done, and how far it is.
 *
 * @param line  in words
 * @param done  parts that are done
 * @param total of how many; 0 where that is not known
 */
public record Step(String line, int done, int total) {
    /** From 0 to 1; negative where it is not known. */
    public float share() {
        return total > 0 ? (float) done / total : -1;
    }
}
