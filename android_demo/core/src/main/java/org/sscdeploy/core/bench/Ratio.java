package org.sscdeploy.core.bench;

/** The time of one model by that of another. Immutable. */
public final class Ratio {
    /** What the interval of a ratio allows to say of the first. */
    public enum Verdict {
        /** It takes less. */
        FASTER("faster"),
        /** It takes more. */
        SLOWER("slower"),
        /** Neither is sure. */
        CANNOT_TELL("cannot tell");

        private final String text;

        Verdict(String text) {
            this.text = text;
        }

        /** In words. */
        public String text() {
            return text;
        }
    }

    private final double value;
    private final Interval interval;
    private final Verdict verdict;
    private final boolean interleaved;

    Ratio(double value, Interval interval, Verdict verdict, boolean interleaved) {
        this.value = value;
        this.interval = interval;
        this.verdict = verdict;
        this.interleaved = interleaved;
    }

    /** Below 1 where the first takes less. */
    public double value() {
        return value;
    }

    /** Of {@link #value}, 95 %. */
    public Interval interval() {
        return interval;
    }

    /** On the first. */
    public Verdict verdict() {
        return verdict;
    }

    /** Whether both took turns in one run. */
    public boolean interleaved() {
        return interleaved;
    }
}
