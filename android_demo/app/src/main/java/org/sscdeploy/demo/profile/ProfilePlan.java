package org.sscdeploy.demo.profile;

import java.util.List;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;

/**
 * What is to be measured.
 *
 * @param bundle   whose models are measured
 * @param engines  that take turns; each has a model in the bundle
 * @param threads  numbers of threads, one after the other
 * @param options  of the engines, threads apart
 * @param protocol how to time
 */
public record ProfilePlan(Bundle bundle, List<Engine> engines, List<Integer> threads, EngineOptions options,
        Protocol protocol) {
    public ProfilePlan {
        engines = List.copyOf(engines);
        threads = List.copyOf(threads);
    }

    /** Of the engines at that number of threads. */
    public EngineOptions options(int count) {
        return options.withThreads(count);
    }
}
