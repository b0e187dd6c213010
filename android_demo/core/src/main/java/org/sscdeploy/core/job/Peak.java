package org.sscdeploy.core.job;

/** What the device reaches at most, measured in the same run. Immutable. */
public final class Peak {
    private final int threads;
    private final double gmacPerSecond;
    private final double gbytePerSecond;

    /**
     * All of it.
     *
     * @param threads        that were used
     * @param gmacPerSecond  1e9 multiply-accumulates a second of a float32 matrix product
     * @param gbytePerSecond 1e9 bytes read and written a second of a memory copy
     */
    public Peak(int threads, double gmacPerSecond, double gbytePerSecond) {
        this.threads = threads;
        this.gmacPerSecond = gmacPerSecond;
        this.gbytePerSecond = gbytePerSecond;
    }

    /** That were used. */
    public int threads() {
        return threads;
    }

    /** 1e9 multiply-accumulates a second of a float32 matrix product. */
    public double gmacPerSecond() {
        return gmacPerSecond;
    }

    /** 1e9 bytes read and written a second of a memory copy. */
    public double gbytePerSecond() {
        return gbytePerSecond;
    }
}
