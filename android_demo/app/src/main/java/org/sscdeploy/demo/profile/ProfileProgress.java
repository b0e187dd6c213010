package org.sscdeploy.demo.profile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.ui.LatencySeries;

/** What is measured so far. Immutable. */
public final class ProfileProgress {
    private final Step step;
    private final List<LatencySeries> series;
    private final int turns;
    private final String device;

    ProfileProgress(Step step, List<LatencySeries> series, int turns, String device) {
        this.step = step;
        this.series = Collections.unmodifiableList(new ArrayList<>(series));
        this.turns = turns;
        this.device = device;
    }

    /** How far it is. */
    public Step step() {
        return step;
    }

    /** Each model in each runtime at each number of threads. */
    public List<LatencySeries> series() {
        return series;
    }

    /** Of each series in the end. */
    public int turns() {
        return turns;
    }

    /** That is measured. */
    public String device() {
        return device;
    }
}
