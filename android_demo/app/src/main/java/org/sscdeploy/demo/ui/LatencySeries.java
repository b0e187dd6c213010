package org.sscdeploy.demo.ui;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one model took, turn by turn, for {@link LatencyPlot}.
 *
 * @param name   for people
 * @param points in order
 */
public record LatencySeries(String name, List<Point> points) {
    /**
     * One turn, in nanoseconds.
     *
     * @param low    one of twenty is shorter
     * @param median half are shorter
     * @param high   one of twenty is longer
     */
    public record Point(double low, double median, double high) { }

    /** A series without points. */
    public LatencySeries(String name) {
        this(name, List.of());
    }

    /** The same with another turn, of at least one sample in nanoseconds. */
    public LatencySeries with(long[] samples) {
        long[] ordered = samples.clone();
        Arrays.sort(ordered);
        int last = ordered.length - 1;
        List<Point> more = new ArrayList<>(points);
        more.add(new Point(ordered[Math.round(0.05f * last)], (ordered[last / 2] + ordered[(last + 1) / 2]) / 2.0,
            ordered[Math.round(0.95f * last)]));
        return new LatencySeries(name, List.copyOf(more));
    }
}
