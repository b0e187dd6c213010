package org.sscdeploy.core.classify;

import java.util.OptionalDouble;

/**
 * One class that a picture may show, or one number of an output that is of no classes.
 *
 * @param index       0 the first
 * @param label       its name
 * @param probability 0 to 1; nothing where the outputs are of no classes
 * @param value       as the network gives it
 */
public record Candidate(int index, String label, OptionalDouble probability, float value) { }
