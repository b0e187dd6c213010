package org.sscdeploy.core.bench;

/**
 * How latency is measured; the numbers are those of {@code ssc_deploy.profiling.job.Protocol}.
 *
 * <p>Each model is warmed up until both warm-up bounds are reached. Then the models take turns, A B, B A ..., so many
 * turns each; a turn begins with runs that are not kept, which bring the model's weights back into the caches, and
 * lasts until it has its share of both the runs and the seconds.
 *
 * @param warmupRuns     at least so many
 * @param warmupSeconds  for at least so long
 * @param runs           of each model that are kept, at least 1
 * @param seconds        that the kept runs of each model take together, at least
 * @param repeats        turns of each model, at least 1
 * @param rewarmRuns     at the start of each turn
 * @param operatorRuns   with an operator profiler, after all that; 0 for none
 * @param freshProcesses that load the model and run it once; 0 for none
 */
public record Protocol(int warmupRuns, double warmupSeconds, int runs, double seconds, int repeats, int rewarmRuns,
        int operatorRuns, int freshProcesses) {
    /** The usual one. */
    public static final Protocol DEFAULT = new Protocol(10, 0.5, 200, 5.0, 20, 2, 50, 3);

    /** Shows that all works, and the order of magnitude. */
    public static final Protocol QUICK = new Protocol(3, 0.05, 25, 0.25, 5, 2, 5, 1);

    public Protocol {
        boolean whole = warmupRuns >= 0 && runs >= 1 && repeats >= 1 && rewarmRuns >= 0 && operatorRuns >= 0
            && freshProcesses >= 0;
        if (!whole || !(warmupSeconds >= 0 && warmupSeconds <= 1e6 && seconds >= 0 && seconds <= 1e6)) {
            throw new IllegalArgumentException("a bound of the protocol is negative, not finite or too large");
        }
    }
}
