package org.sscdeploy.core.bench;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Circular block bootstrap over turns (Politis and Romano 1992), with the expanded percentile interval (Hesterberg
 * 2015); draw by draw as {@code ssc_deploy.profiling.statistics}.
 */
final class Bootstrap {
    private static final int DRAWS = 2000;

    /** Order statistics that stand for a turn. */
    private static final int PER_TURN = 100;

    private Bootstrap() { }

    /** The interval of what was drawn from so many turns. */
    static Interval interval(double[] drawn, int turns) {
        double[] sorted = Numbers.sorted(drawn);
        double tail = tail(turns);
        return new Interval(Numbers.quantile(sorted, tail), Numbers.quantile(sorted, 1 - tail));
    }

    /** The median over all samples of the turns of each draw. */
    static double[] medians(List<Turn> turns, int seed) {
        int count = turns.size();
        double[] values = new double[count * PER_TURN];
        int[] sizes = new int[count];
        for (int t = 0; t < count; t++) {
            double[] sorted = Numbers.sorted(Statistics.samples(turns.get(t)));
            sizes[t] = sorted.length;
            for (int i = 0; i < PER_TURN; i++) {
                values[t * PER_TURN + i] = Numbers.quantile(sorted, (i + 0.5) / PER_TURN);
            }
        }
        Integer[] order = new Integer[values.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
        double[] drawn = new double[DRAWS];
        int[][] draws = draws(count, seed);
        for (int d = 0; d < DRAWS; d++) {
            drawn[d] = weightedMedian(values, order, weights(draws[d], sizes));
        }
        return drawn;
    }

    private static long[] weights(int[] chosen, int[] sizes) {
        long[] weights = new long[sizes.length];
        for (int turn : chosen) {
            weights[turn] += sizes[turn];
        }
        return weights;
    }

    private static double weightedMedian(double[] values, Integer[] order, long[] weights) {
        long total = 0;
        for (long weight : weights) {
            total += weight * PER_TURN;
        }
        long reached = 0;
        for (int place : order) {
            reached += weights[place / PER_TURN];
            if (2 * reached >= total) {
                return values[place];
            }
        }
        throw new IllegalArgumentException("there are no turns");
    }

    /** The mean of the middle half of the values of each draw. */
    static double[] middleMeans(double[] ofTurns, int seed) {
        int[][] draws = draws(ofTurns.length, seed);
        return Arrays.stream(draws)
            .mapToDouble(draw -> middleMean(Arrays.stream(draw).mapToDouble(turn -> ofTurns[turn]).toArray()))
            .toArray();
    }

    /** Mean of the middle half: a turn that was disturbed does not count, and more is used than a median. */
    static double middleMean(double[] values) {
        int cut = values.length / 4;
        return Numbers.mean(Numbers.sorted(values), cut, values.length - cut);
    }

    /** Which turns each draw holds: blocks of neighbours; the last turn's neighbour is the first. */
    static int[][] draws(int turns, int seed) {
        int block = (int) Math.max(1, Math.rint(Math.pow(turns, 1.0 / 3)));
        int blocks = (turns + block - 1) / block;
        Pcg64 random = new Pcg64(seed);
        int[][] draws = new int[DRAWS][turns];
        for (int[] draw : draws) {
            for (int b = 0; b < blocks; b++) {
                int start = random.below(turns);
                for (int i = b * block; i < Math.min(turns, (b + 1) * block); i++) {
                    draw[i] = (start + i - b * block) % turns;
                }
            }
        }
        return draws;
    }

    /** The share to be cut off at either end: Phi(-sqrt(n / (n - 1)) t_(n - 1)). */
    static double tail(int turns) {
        if (turns < 2) {
            return 0;
        }
        double z = Normal.Z_975;
        double freedom = turns - 1;
        // Student's t by the first terms of its expansion about the normal (Abramowitz and Stegun 26.7.5).
        double t = z
            + (Math.pow(z, 3) + z) / (4 * freedom)
            + (5 * Math.pow(z, 5) + 16 * Math.pow(z, 3) + 3 * z) / (96 * freedom * freedom)
            + (3 * Math.pow(z, 7) + 19 * Math.pow(z, 5) + 17 * Math.pow(z, 3) - 15 * z)
                / (384 * Math.pow(freedom, 3));
        return Normal.below(-Math.sqrt(turns / freedom) * t);
    }
}
