package org.sscdeploy.core.bench;

/**
 * numpy's {@code default_rng(seed)}: O'Neill's PCG XSL-RR 128/64 behind numpy's SeedSequence, so that what is drawn
 * here is what {@code ssc_deploy.profiling.statistics} draws.
 */
final class Pcg64 {
    private static final long MULTIPLIER_HIGH = 0x2360ED051FC65DA4L;
    private static final long MULTIPLIER_LOW = 0x4385DF649FCCF645L;
    private static final long LOW_32 = 0xFFFFFFFFL;

    private final long incrementHigh;
    private final long incrementLow;
    private long high;
    private long low;
    private boolean hasHalf;
    private int half;

    Pcg64(int seed) {
        long[] words = SeedSequence.generate(seed);
        incrementHigh = words[2] << 1 | words[3] >>> 63;
        incrementLow = words[3] << 1 | 1;
        step();
        add(words[0], words[1]);
        step();
    }

    /** A whole number from 0 to below a bound of at least 1, as {@code Generator.integers} draws it (Lemire 2019). */
    int below(int bound) {
        if (bound == 1) {
            return 0; // nothing is drawn for it
        }
        long product = (next32() & LOW_32) * bound;
        if ((product & LOW_32) < bound) {
            long threshold = (1L << 32) % bound;
            while ((product & LOW_32) < threshold) {
                product = (next32() & LOW_32) * bound;
            }
        }
        return (int) (product >>> 32);
    }

    long next64() {
        step();
        return Long.rotateRight(high ^ low, (int) (high >>> 58));
    }

    /** Half of a number at a time, the lower one first. */
    private int next32() {
        if (hasHalf) {
            hasHalf = false;
            return half;
        }
        long next = next64();
        hasHalf = true;
        half = (int) (next >>> 32);
        return (int) next;
    }

    /** state = state * multiplier + increment, in 128 bits. */
    private void step() {
        high = high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH + multiplyHigh(low, MULTIPLIER_LOW);
        low *= MULTIPLIER_LOW;
        add(incrementHigh, incrementLow);
    }

    private void add(long otherHigh, long otherLow) {
        low += otherLow;
        high += otherHigh + (Long.compareUnsigned(low, otherLow) < 0 ? 1 : 0);
    }

    /** The upper half of the product of two numbers without sign; Math's own is not in Android 8. */
    private static long multiplyHigh(long a, long b) {
        long aLow = a & LOW_32;
        long aHigh = a >>> 32;
        long bLow = b & LOW_32;
        long bHigh = b >>> 32;
        long middle = aHigh * bLow + (aLow * bLow >>> 32);
        long other = aLow * bHigh + (middle & LOW_32);
        return aHigh * bHigh + (middle >>> 32) + (other >>> 32);
    }
}
