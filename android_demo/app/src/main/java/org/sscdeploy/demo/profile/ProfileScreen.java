package org.sscdeploy.demo.profile;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Context;
import android.content.Intent;
import android.os.Build;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowManager;
import android.widget.Switch;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.Screen;
import org.sscdeploy.demo.Selection;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.ui.Choices;
import org.sscdeploy.demo.ui.Notice;
import org.sscdeploy.demo.ui.RunControls;
import org.sscdeploy.demo.ui.Sentences;

/** How long an inference takes: runtimes by threads, live, with what may have disturbed it. */
public final class ProfileScreen extends Screen {
    private static final String QUICK = "quick";
    private static final String FULL = "full";

    private final Choices engines = find(R.id.engines);
    private final Choices threads = find(R.id.threads);
    private final Choices protocols = find(R.id.protocols);
    private final Switch xnnpack = find(R.id.xnnpack);
    private final Switch nnapi = find(R.id.nnapi);
    private final Notice notice = find(R.id.notice);
    private final RunControls controls;
    private final ProfileFigures figures;
    private final Consumer<RunState<ProfileProgress, ProfileReport>> watcher = this::show;
    private final Consumer<RunState<Void, Intent>> shareWatcher = this::written;
    private Bundle bundle;

    /** Makes the views. */
    public ProfileScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.profile, R.layout.profile_first, R.layout.profile_second);
        controls = new RunControls(view(), R.string.measure, this::measure, () -> app.runs.cancel(app.profile));
        figures = new ProfileFigures(view(), app.device.name());
        Selection selection = app.selection;
        threads.offer(threadCounts(), true, selection::threads);
        threads.choose(selection.threads());
        protocols.offer(protocolNames(), false, chosen -> selection.thorough(chosen.contains(FULL)));
        protocols.choose(Set.of(selection.thorough() ? FULL : QUICK));
        xnnpack.setChecked(selection.xnnpack());
        xnnpack.setOnCheckedChangeListener((view, on) -> selection.xnnpack(on));
        nnapi.setChecked(selection.nnapi());
        nnapi.setOnCheckedChangeListener((view, on) -> selection.nnapi(on));
        // Android 15 deprecates NNAPI, and newer devices come without drivers for it.
        nnapi.setVisibility(Build.VERSION.SDK_INT < Build.VERSION_CODES.VANILLA_ICE_CREAM ? View.VISIBLE : View.GONE);
        find(R.id.share).setOnClickListener(view -> share());
    }

    private Map<String, String> threadCounts() {
        Map<String, String> labels = new LinkedHashMap<>();
        for (int count : new int[] {1, 2, 4}) {
            labels.put(Integer.toString(count), Integer.toString(count));
        }
        return labels;
    }

    private Map<String, String> protocolNames() {
        Map<String, String> labels = new LinkedHashMap<>();
        labels.put(QUICK, activity.getString(R.string.quick));
        labels.put(FULL, activity.getString(R.string.full));
        return labels;
    }

    @Override
    public void start() {
        super.start();
        app.profile.watch(watcher);
        app.share.watch(shareWatcher);
    }

    @Override
    public void stop() {
        app.profile.forget(watcher);
        app.share.forget(shareWatcher);
        if (!activity.isChangingConfigurations()) { // whoever left does not wait for the question any more
            app.runs.cancel(app.share);
            app.share.clear();
        }
        activity.getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        super.stop();
    }

    @Override
    protected void show(Bundle shown) {
        bundle = shown;
        Map<String, String> offered = app.engines.offered(bundle);
        engines.offer(offered, true, app.selection::profiledEngines);
        engines.choose(app.selection.profiledEngines(offered));
        controls.setRunnable(!offered.isEmpty());
    }

    @Override
    protected void showNoBundle() {
        bundle = null;
        engines.offer(Map.of(), true, chosen -> { });
        controls.setRunnable(false);
    }

    private void measure() {
        Selection selection = app.selection;
        List<Engine> chosen = selection.profiledEngines(app.engines.offered(bundle)).stream()
            .map(app.engines::byId).map(Optional::get).collect(Collectors.toList());
        List<Integer> counts =
            threads.chosen().stream().map(Integer::valueOf).collect(Collectors.toList());
        EngineOptions options =
            EngineOptions.DEFAULT.withXnnpack(selection.xnnpack()).withNnapi(selection.nnapi());
        Protocol protocol = selection.thorough() ? Protocol.DEFAULT : Protocol.QUICK;
        ProfilePlan plan = new ProfilePlan(bundle, chosen, counts, options, protocol);
        if (!app.runs.start(app.profile, new ProfileWork(app, activity.getApplicationContext().getResources(), plan))) {
            notice.show(Notice.Weight.NOTE, activity.getString(R.string.busy));
        }
    }

    private void show(RunState<ProfileProgress, ProfileReport> run) {
        ProfileProgress progress = run.progress();
        controls.show(run, progress == null ? null : progress.step());
        for (View choice : new View[] {engines, threads, protocols, xnnpack, nnapi}) {
            choice.setEnabled(!run.active());
        }
        if (run.active()) { // a screen that goes dark slows the device down
            activity.getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        } else {
            activity.getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        }
        figures.show(progress, run.result());
        switch (run.phase()) {
            case DONE:
                showVerdict(run.result());
                break;
            case FAILED:
                notice.show(Notice.Weight.BAD, activity.getString(R.string.not_measured), Sentences.of(run.message()));
                break;
            case CANCELLED:
                notice.show(Notice.Weight.NOTE, activity.getString(R.string.cancelled),
                    activity.getString(R.string.profile_cancelled));
                break;
            default:
                notice.hide();
                break;
        }
    }

    private void showVerdict(ProfileReport report) {
        boolean steady = report.entries().stream().allMatch(
            entry -> entry.stats().map(stats -> stats.steady()).orElse(true));
        if (report.hottest().throttled()) {
            notice.show(Notice.Weight.WARNING, activity.getString(R.string.throttled),
                activity.getString(R.string.throttled_detail, activity.getString(report.hottest().name())));
        } else if (!steady) {
            notice.show(Notice.Weight.WARNING, activity.getString(R.string.unsteady),
                activity.getString(R.string.unsteady_detail));
        } else {
            notice.hide();
        }
    }

    private void share() {
        ProfileReport report = app.profile.state().result();
        if (report == null) {
            return;
        }
        // Every sample of a thorough measurement: too much to be written while somebody waits for the screen.
        Context context = activity.getApplicationContext();
        if (!app.runs.start(app.share,
                control -> SharedFiles.share(context, "ssc-profile.json", report.result().toJson()))) {
            notice.show(Notice.Weight.NOTE, activity.getString(R.string.busy));
        }
    }

    /** Once, whichever of the screens before and after a rotation hears of it. */
    private void written(RunState<Void, Intent> run) {
        if (run.phase() == RunState.Phase.DONE) {
            app.share.clear();
            try {
                activity.startActivity(run.result());
            } catch (ActivityNotFoundException error) {
                notice.show(Notice.Weight.BAD, activity.getString(R.string.not_shared));
            }
        } else if (run.phase() == RunState.Phase.FAILED) {
            app.share.clear();
            notice.show(Notice.Weight.BAD, activity.getString(R.string.not_shared), Sentences.of(run.message()));
        }
    }
}
