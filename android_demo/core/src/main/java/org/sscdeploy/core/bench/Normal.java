package org.sscdeploy.core.bench;

/** The normal distribution. */
final class Normal {
    /** The 97.5th percentile, as Python's {@code NormalDist().inv_cdf} gives it. */
    static final double Z_975 = 1.9599639845400536;

    private Normal() { }

    /**
     * Phi(x), the share below x.
     *
     * <p>By the continued fraction of the tail (Abramowitz and Stegun 26.2.14) beyond 2 and the series (26.2.11)
     * within; to a relative 1e-14, which the tests assert against Python's.
     */
    static double below(double x) {
        double size = Math.abs(x);
        double tail = size > 2 ? fraction(size) : 0.5 - series(size);
        return x < 0 ? tail : 1 - tail;
    }

    private static double density(double x) {
        return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    private static double fraction(double x) {
        double inner = x;
        for (int k = 200; k > 0; k--) {
            inner = x + k / inner;
        }
        return density(x) / inner;
    }

    private static double series(double x) {
        double term = x;
        double total = x;
        for (int k = 3; Math.abs(term) > 1e-18; k += 2) {
            term *= x * x / k;
            total += term;
        }
        return density(x) * total;
    }
}
