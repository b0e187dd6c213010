package org.sscdeploy.core.job;

/** What only the system under the app knows of the device. */
public interface Device {

    /** The device and what runs on it. */
    Environment environment();

    /** Its state now. */
    Snapshot snapshot();
}
