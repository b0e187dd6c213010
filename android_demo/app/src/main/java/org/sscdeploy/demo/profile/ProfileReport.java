package org.sscdeploy.demo.profile;

import java.util.List;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.core.job.Result;
import org.sscdeploy.demo.device.ThermalState;

/**
 * What was measured, and under which conditions.
 *
 * @param entries each runtime at each number of threads
 * @param before  before the first run
 * @param hottest the worst that was seen between turns
 * @param after   after the last run
 * @param result  raw samples and conditions, as {@code ssc-deploy profile} knows them
 */
public record ProfileReport(List<BenchResult> entries, ThermalState before, ThermalState hottest, ThermalState after,
        Result result) {
    public ProfileReport {
        entries = List.copyOf(entries);
    }
}
