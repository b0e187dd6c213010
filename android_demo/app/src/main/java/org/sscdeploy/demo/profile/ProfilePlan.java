package org.sscdeploy.demo.profile;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;

/** What is to be measured. Immutable. */
public final class ProfilePlan {
    private final Bundle bundle;
    private final List<Engine> engines;
    private final List<Integer> threads;
    private final EngineOptions options;
    private final Protocol protocol;

    /**
     * A plan.
     *
     * @param bundle   whose models are measured
     * @param engines  that take turns; each has a model in the bundle
     * @param threads  numbers of threads, one after the other
     * @param options  of the engines, threads apart
     * @param protocol how to time
     */
    public ProfilePlan(Bundle bundle, List<Engine> engines, List<Integer> threads, EngineOptions options,
            Protocol protocol) {
        this.bundle = bundle;
        this.engines = Collections.unmodifiableList(new ArrayList<>(engines));
        this.threads = Collections.unmodifiableList(new ArrayList<>(threads));
        this.options = options;
        this.protocol = protocol;
    }

    /** Whose models are measured. */
    public Bundle bundle() {
        return bundle;
    }

    /** That take turns. */
    public List<Engine> engines() {
        return engines;
    }

    /** Numbers of threads. */
    public List<Integer> threads() {
        return threads;
    }

    /** Of the engines at that number of threads. */
    public EngineOptions options(int count) {
        return options.withThreads(count);
    }

    /** How to time. */
    public Protocol protocol() {
        return protocol;
    }
}
