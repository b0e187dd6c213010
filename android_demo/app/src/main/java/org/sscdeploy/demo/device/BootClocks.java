package org.sscdeploy.demo.device;

import android.os.SystemClock;
import java.util.OptionalLong;
import org.sscdeploy.core.bench.Clocks;

/** Android's clocks. */
public final class BootClocks implements Clocks {
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
        return OptionalLong.of(SystemClock.elapsedRealtimeNanos());
    }
}
