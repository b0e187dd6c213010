package org.sscdeploy.core.bench;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Figures from raw samples, and how sure they are: the same as {@code ssc_deploy.profiling.statistics} gives, whose
 * opening says why. What is drawn is the same, so intervals are too.
 */
public final class Statistics {
    /** Differences below this share are not told. */
    static final double MARGIN = 0.02;

    /** The same for runs that were not interleaved. */
    static final double MARGIN_APART = 0.05;

    /** A run is steady while its drift and the spread of its turns stay below this share of p50. */
    static final double STEADY = 0.05;

    /** A run is steady while p90 / p50 stays below. */
    static final double TAIL = 1.5;

    private Statistics() { }

    /**
     * Summarises samples.
     *
     * @param turns at least one, each with a sample
     */
    public static LatencyStats latency(List<Turn> turns) {
        double[] samples = all(turns);
        double[] sorted = Numbers.sorted(samples);
        double[] quantiles = new double[] {0.5, 0.9, 0.95, 0.99};
        for (int i = 0; i < quantiles.length; i++) {
            quantiles[i] = Numbers.quantile(sorted, quantiles[i]);
        }
        double[] medians = medians(turns);
        int third = Math.max(1, medians.length / 3);
        double last = Numbers.median(Arrays.copyOfRange(medians, medians.length - third, medians.length));
        double drift = last / Numbers.median(Arrays.copyOf(medians, third)) - 1;
        double[] ordered = Numbers.sorted(medians);
        double spread = (Numbers.quantile(ordered, 0.75) - Numbers.quantile(ordered, 0.25)) / quantiles[0];
        return new LatencyStats(samples.length, turns.size(), sorted[0], quantiles,
            Numbers.mean(samples, 0, samples.length), Numbers.std(samples),
            Bootstrap.interval(Bootstrap.medians(turns, 0), turns.size()), drift, spread,
            unsteady(drift, spread, quantiles[1] / quantiles[0]));
    }

    /**
     * Compares two models that took turns in one run.
     *
     * @param first  at least one turn
     * @param second as many turns
     */
    public static Ratio interleaved(List<Turn> first, List<Turn> second) {
        double[] ratios = medians(first);
        double[] others = medians(second);
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = Math.log(ratios[i] / others[i]);
        }
        Interval interval = Bootstrap.interval(Bootstrap.middleMeans(ratios, 0), ratios.length);
        return judged(Math.exp(Bootstrap.middleMean(ratios)), interval, MARGIN, true);
    }

    /** Compares two models that were measured in separate runs, by their p50. */
    public static Ratio apart(List<Turn> first, List<Turn> second) {
        double[] drawn = Bootstrap.medians(first, 1);
        double[] others = Bootstrap.medians(second, 2);
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = Math.log(drawn[i]) - Math.log(others[i]);
        }
        Interval interval = Bootstrap.interval(drawn, Math.min(first.size(), second.size()));
        return judged(Numbers.median(all(first)) / Numbers.median(all(second)), interval, MARGIN_APART, false);
    }

    private static Ratio judged(double value, Interval logarithms, double margin, boolean together) {
        Interval interval = new Interval(Math.exp(logarithms.low()), Math.exp(logarithms.high()));
        Ratio.Verdict verdict = interval.high() < 1 - margin ? Ratio.Verdict.FASTER
            : interval.low() > 1 + margin ? Ratio.Verdict.SLOWER : Ratio.Verdict.CANNOT_TELL;
        return new Ratio(value, interval, verdict, together);
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
        return Collections.unmodifiableList(reasons);
    }

    private static String percent(double share) {
        return rounded(100 * share, 0) + "%";
    }

    /** As Python rounds: the exact value of the number, half to even. */
    private static String rounded(double value, int digits) {
        return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
    }

    private static double[] all(List<Turn> turns) {
        return turns.stream().flatMapToLong(turn -> Arrays.stream(turn.samplesNanos())).asDoubleStream().toArray();
    }

    private static double[] medians(List<Turn> turns) {
        return turns.stream().mapToDouble(turn -> Numbers.median(samples(turn))).toArray();
    }

    static double[] samples(Turn turn) {
        return Arrays.stream(turn.samplesNanos()).asDoubleStream().toArray();
    }
}
