package org.sscdeploy.demo;

import android.content.Context;
import android.content.Intent;
import java.util.List;
import java.util.Map;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.demo.classify.Classification;
import org.sscdeploy.demo.device.AndroidDevice;
import org.sscdeploy.demo.device.Thermal;
import org.sscdeploy.demo.engine.Engines;
import org.sscdeploy.demo.engine.ModelCache;
import org.sscdeploy.demo.parity.ParityOutcome;
import org.sscdeploy.demo.profile.ProfileProgress;
import org.sscdeploy.demo.profile.ProfileReport;
import org.sscdeploy.demo.run.FailureText;
import org.sscdeploy.demo.run.RunManager;
import org.sscdeploy.demo.run.RunSlot;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.store.BundleState;
import org.sscdeploy.demo.store.BundleStore;
import org.sscdeploy.demo.ui.Thumbnails;

/** What lives as long as the process: the bundle, the runtimes, the runs and what was chosen. Screens come and go. */
public final class AppState {
    /** Does all that takes long. */
    public final RunManager runs;
    /** The bundle in use. */
    public final BundleStore bundles;
    /** The runtimes. */
    public final Engines engines;
    /** The device. */
    public final AndroidDevice device;
    /** How warm it is. */
    public final Thermal thermal;
    /** The classifying model. */
    public final ModelCache models = new ModelCache();
    /** Small pictures. */
    public final Thumbnails thumbnails = new Thumbnails();
    /** What was chosen on the screens. */
    public final Selection selection = new Selection();
    /** Says failures. */
    public final FailureText failures;
    /** The last classification. */
    public final RunSlot<Step, Classification> classification = new RunSlot<>();
    /** The last golden replay. */
    public final RunSlot<Step, ParityOutcome> parity = new RunSlot<>();
    /** The last measurement. */
    public final RunSlot<ProfileProgress, ProfileReport> profile = new RunSlot<>();
    /** The file to share of a measurement, being written: what asks the user for an app. */
    public final RunSlot<Void, Intent> share = new RunSlot<>();
    /** The last job of {@link BenchActivity}. */
    public final RunSlot<Step, Status> bench = new RunSlot<>();
    /** Versions of the runtimes whose library this device takes, by their id. */
    public final RunSlot<Void, Map<String, String>> runtimeVersions = new RunSlot<>();

    private String bundleInUse = "";
    private boolean opened;

    /** Begins a process with these runtimes. */
    public AppState(Context context, List<Engine> carried) {
        failures = new FailureText(context.getResources());
        runs = new RunManager(failures);
        engines = new Engines(carried, context.getResources());
        device = new AndroidDevice(context, engines);
        thermal = new Thermal(context);
        bundles = new BundleStore(context, runs, failures);
        bundles.watch(this::bundleChanged);
    }

    /** Opens the bundle and asks for the runtimes, once in a process; a job needs neither. */
    public void openOnce() {
        if (!opened) {
            opened = true;
            bundles.open();
            runs.enqueue(runtimeVersions, control -> engines.versions());
        }
    }

    /** Results of another bundle would be taken for this one's. */
    private void bundleChanged(BundleState state) {
        String sha256 = state.bundle().map(Bundle::sha256).orElse("");
        if (!sha256.equals(bundleInUse)) {
            bundleInUse = sha256;
            classification.clear();
            parity.clear();
            profile.clear();
            share.clear();
            selection.picture = null; // it may belong to the bundle that is gone
        }
    }
}
