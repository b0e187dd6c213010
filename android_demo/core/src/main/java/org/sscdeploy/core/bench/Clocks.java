package org.sscdeploy.core.bench;

import java.util.OptionalLong;

/** The clocks of a device, in nanoseconds. */
public interface Clocks {

    /** The clock that all is timed with: it goes on at one pace and stands still while the device sleeps. */
    long monotonicNanos();

    /** Since 1970, as somebody set it. */
    long wallNanos();

    /** Like the monotonic one, and goes on while the device sleeps; empty where there is none. */
    OptionalLong bootNanos();}
