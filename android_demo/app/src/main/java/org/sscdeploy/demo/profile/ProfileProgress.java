package org.sscdeploy.demo.profile;

import java.util.List;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.ui.LatencySeries;

/**
 * What is measured so far.
 *
 * @param step   how far it is
 * @param series each model in each runtime at each number of threads
 * @param turns  of each series in the end
 */
public record ProfileProgress(Step step, List<LatencySeries> series, int turns) {
    public ProfileProgress {
        series = List.copyOf(series);
    }
}
