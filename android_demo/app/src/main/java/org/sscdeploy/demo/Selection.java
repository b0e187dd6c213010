package org.sscdeploy.demo;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.sscdeploy.demo.classify.PictureSource;

/** What the user chose on the screens, for as long as the process lives. Main thread only. */
public final class Selection {
    /** The runtime to classify and compare with, where it is offered. */
    public String engine = "";
    /** The picture that was classified last; null for none. */
    public PictureSource picture;
    /** The picture that came before the bundle was open; null for none. */
    public PictureSource waiting;
    /** The runtimes to measure, where they are offered. */
    public Set<String> profiledEngines = Set.of();
    /** Numbers of threads to measure at. */
    public Set<String> threads = Set.of("1");
    /** Whether to measure thoroughly; otherwise it is a quick look. */
    public boolean thorough;
    /** Whether TFLite uses XNNPACK. */
    public boolean xnnpack = true;
    /** Whether models go to NNAPI. */
    public boolean nnapi;

    /** The runtime to classify and compare with: the one that was chosen where it is offered, else the first. */
    public String engine(Map<String, String> offered) {
        return offered.containsKey(engine) || offered.isEmpty() ? engine : offered.keySet().iterator().next();
    }

    /** The runtimes to measure: those that were chosen and are offered, else all. */
    public Set<String> profiledEngines(Map<String, String> offered) {
        Set<String> chosen = new LinkedHashSet<>(offered.keySet());
        chosen.retainAll(profiledEngines);
        return chosen.isEmpty() ? offered.keySet() : chosen;
    }
}
