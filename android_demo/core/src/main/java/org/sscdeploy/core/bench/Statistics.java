package org.sscdeploy.core.bench;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Figures from raw samples, and how sure they are: the same as {@code ssc_deploy.profiling.statistics} gives. */
public final class Statistics {
    /** A run is steady while its drift and the spread of its turns stay below this share of p50. */
    private static final double STEADY = 0.05;

    /** A run is steady while p90 / p50 stays below. */
    private static final double TAIL = 1.5;

    /** One in so many medians is below an interval, at most, and as many above: 95 % lie within. */
    private static final BigInteger ONE_SIDED = BigInteger.valueOf(40);

    private Statistics() { }

    /**
     * Summarises samples.
     *
     * @param turns at least one, each with a sample
     */
    public static LatencyStats latency(List<Turn> turns) {
        double[] sorted = Numbers.sorted(turns.stream()
            .flatMapToLong(turn -> Arrays.stream(turn.samplesNanos())).asDoubleStream().toArray());
        double[] medians = turns.stream().mapToDouble(turn -> Numbers.median(
            Arrays.stream(turn.samplesNanos()).asDoubleStream().toArray())).toArray();
        double p50 = Numbers.quantile(sorted, 0.5);
        double p90 = Numbers.quantile(sorted, 0.9);
        Interval interval = medianInterval(medians);
        // It holds p50 itself, also where turns of many runs outweigh the others.
        return new LatencyStats(sorted.length, p50, p90, Numbers.quantile(sorted, 0.95), Numbers.quantile(sorted, 0.99),
            new Interval(Math.min(interval.low(), p50), Math.max(interval.high(), p50)),
            unsteady(drift(medians), spread(medians, p50), p90 / p50));
    }

    /**
     * The 95 % interval of the median of independent values, by order statistics; below six values it is their whole
     * range. Python's {@code median_interval} says how it comes about.
     *
     * @param values at least one
     */
    static Interval medianInterval(double[] values) {
        double[] sorted = Numbers.sorted(values);
        BigInteger all = BigInteger.ONE.shiftLeft(sorted.length);
        BigInteger ways = BigInteger.ONE; // sorted.length over rank
        BigInteger reached = BigInteger.ONE; // of all, those with at most rank values below the median
        int rank = 0;
        while (ONE_SIDED.multiply(reached).compareTo(all) <= 0) {
            ways = ways.multiply(BigInteger.valueOf(sorted.length - rank)).divide(BigInteger.valueOf(rank + 1));
            reached = reached.add(ways);
            rank++;
        }
        int place = Math.max(rank, 1);
        return new Interval(sorted[place - 1], sorted[sorted.length - place]);
    }

    /** Median of the last third of the turns / that of the first third - 1. */
    private static double drift(double[] medians) {
        int third = Math.max(1, medians.length / 3);
        double last = Numbers.median(Arrays.copyOfRange(medians, medians.length - third, medians.length));
        return last / Numbers.median(Arrays.copyOf(medians, third)) - 1;
    }

    /** Interquartile range of the turns' medians / p50. */
    private static double spread(double[] medians, double p50) {
        double[] sorted = Numbers.sorted(medians);
        return (Numbers.quantile(sorted, 0.75) - Numbers.quantile(sorted, 0.25)) / p50;
    }

    private static List<String> unsteady(double drift, double spread, double tail) {
        List<String> reasons = new ArrayList<>();
        if (Math.abs(drift) > STEADY) {
            reasons.add("the last third took " + percent(Math.abs(drift)) + (drift > 0 ? " more" : " less")
                + " time than the first");
        }
        if (spread > STEADY) {
            reasons.add("turns differ by " + percent(spread));
        }
        if (tail > TAIL) {
            reasons.add("p90 is " + rounded(tail, 1) + " times p50");
        }
        return reasons;
    }

    private static String percent(double share) {
        return rounded(100 * share, 0) + "%";
    }

    /** As Python rounds: the exact value of the number, half to even. */
    private static String rounded(double value, int digits) {
        return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    }
}
