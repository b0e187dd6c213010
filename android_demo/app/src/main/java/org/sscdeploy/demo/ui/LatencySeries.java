package org.sscdeploy.demo.ui;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** What one model took, turn by turn, for {@link LatencyPlot}. Immutable. */
public final class LatencySeries {
    /** One turn: its median, and between what nine of ten runs lay. Nanoseconds. Immutable. */
    public static final class Point {
        private final double low;
        private final double median;
        private final double high;

        private Point(double low, double median, double high) {
            this.low = low;
            this.median = median;
            this.high = high;
        }

        /** One of twenty is shorter. */
        public double low() {
            return low;
        }

        /** Half are shorter. */
        public double median() {
            return median;
        }

        /** One of twenty is longer. */
        public double high() {
            return high;
        }
    }

    private final String name;
    private final List<Point> points;

    /** A series without points. */
    public LatencySeries(String name) {
        this(name, Collections.emptyList());
    }

    private LatencySeries(String name, List<Point> points) {
        this.name = name;
        this.points = points;
    }

    /** The same with another turn, of at least one sample in nanoseconds. */
    public LatencySeries with(long[] samples) {
        long[] ordered = samples.clone();
        Arrays.sort(ordered);
        int last = ordered.length - 1;
        List<Point> more = new ArrayList<>(points);
        more.add(new Point(ordered[Math.round(0.05f * last)], (ordered[last / 2] + ordered[(last + 1) / 2]) / 2.0,
            ordered[Math.round(0.95f * last)]));
        return new LatencySeries(name, Collections.unmodifiableList(more));
    }

    /** For people. */
    public String name() {
        return name;
    }

    /** In order. */
    public List<Point> points() {
        return points;
    }
}
