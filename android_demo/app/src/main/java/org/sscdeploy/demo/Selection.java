package org.sscdeploy.demo;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.sscdeploy.demo.classify.PictureSource;

/** What the user chose on the screens, for as long as the process lives. Main thread only. */
public final class Selection {
    private String engine = "";
    private PictureSource picture;
    private PictureSource waiting;
    private Set<String> profiledEngines = Set.of();
    private Set<String> threads = Set.of("1");
    private boolean thorough;
    private boolean xnnpack = true;
    private boolean nnapi;

    /** The runtime to classify and compare with: the one that was chosen where it is offered, else the first. */
    public String engine(Map<String, String> offered) {
        return offered.containsKey(engine) || offered.isEmpty() ? engine : offered.keySet().iterator().next();
    }

    /** Chooses that runtime. */
    public void engine(String id) {
        engine = id;
    }

    /** The picture that was classified last; null for none. */
    public PictureSource picture() {
        return picture;
    }

    /** Chooses a picture. */
    public void picture(PictureSource source) {
        picture = source;
    }

    /** Keeps a picture that came before the bundle was open. */
    public void waiting(PictureSource source) {
        waiting = source;
    }

    /** The picture that waits for a bundle, once; null for none. */
    public PictureSource takeWaiting() {
        PictureSource source = waiting;
        waiting = null;
        return source;
    }

    /** The picture may belong to a bundle that is gone. */
    public void forgetPicture() {
        picture = null;
    }

    /** The runtimes to measure: those that were chosen and are offered, else all. */
    public Set<String> profiledEngines(Map<String, String> offered) {
        Set<String> chosen = new LinkedHashSet<>(offered.keySet());
        chosen.retainAll(profiledEngines);
        return chosen.isEmpty() ? offered.keySet() : chosen;
    }

    /** Chooses runtimes to measure. */
    public void profiledEngines(Set<String> ids) {
        profiledEngines = ids;
    }

    /** Numbers of threads to measure at. */
    public Set<String> threads() {
        return threads;
    }

    /** Chooses numbers of threads. */
    public void threads(Set<String> counts) {
        threads = counts;
    }

    /** Whether to measure thoroughly; otherwise it is a quick look. */
    public boolean thorough() {
        return thorough;
    }

    /** Chooses that. */
    public void thorough(boolean on) {
        thorough = on;
    }

    /** Whether TFLite uses XNNPACK. */
    public boolean xnnpack() {
        return xnnpack;
    }

    /** Chooses that. */
    public void xnnpack(boolean on) {
        xnnpack = on;
    }

    /** Whether models go to NNAPI. */
    public boolean nnapi() {
        return nnapi;
    }

    /** Chooses that. */
    public void nnapi(boolean on) {
        nnapi = on;
    }
}
