package org.sscdeploy.demo.profile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sscdeploy.core.job.Result;
import org.sscdeploy.demo.device.ThermalState;

/** What was measured, and under which conditions. Immutable. */
public final class ProfileReport {
    private final List<ProfileEntry> entries;
    private final ThermalState before;
    private final ThermalState hottest;
    private final ThermalState after;
    private final Result result;

    ProfileReport(List<ProfileEntry> entries, ThermalState before, ThermalState hottest, ThermalState after,
            Result result) {
        this.entries = Collections.unmodifiableList(new ArrayList<>(entries));
        this.before = before;
        this.hottest = hottest;
        this.after = after;
        this.result = result;
    }

    /** Each runtime at each number of threads. */
    public List<ProfileEntry> entries() {
        return entries;
    }

    /** Before the first run. */
    public ThermalState before() {
        return before;
    }

    /** The worst that was seen between turns. */
    public ThermalState hottest() {
        return hottest;
    }

    /** After the last run. */
    public ThermalState after() {
        return after;
    }

    /** Raw samples and conditions, as {@code ssc-deploy profile} knows them. */
    public Result result() {
        return result;
    }
}
