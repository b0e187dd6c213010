package org.sscdeploy.core.bench;

/**
 * A 95 % interval; both ends are of the unit of what it is about.
 *
 * @param low  the lower end
 * @param high the upper end
 */
public record Interval(double low, double high) { }
