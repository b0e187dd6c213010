package org.sscdeploy.core.bench;

import java.util.OptionalLong;

/** The clocks of the Java machine. */
final class JavaClocks implements Clocks {

    @Override
    public long monotonicNanos() {
        return System.nanoTime();
    }

    @Override
    public long wallNanos() {
        return Math.multiplyExact(System.currentTimeMillis(), 1_000_000L);
    }

    @Override
    public OptionalLong bootNanos() {
        return OptionalLong.empty();
    }
}
