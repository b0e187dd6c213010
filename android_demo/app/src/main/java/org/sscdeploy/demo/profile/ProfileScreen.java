package org.sscdeploy.demo.profile;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.os.Build;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowManager;
import android.widget.Switch;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sscdeploy.core.bench.Protocol;
import org.sscdeploy.core.bundle.Bundle;
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
    private Bundle bundle;

    /** Makes the views. */
    public ProfileScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.profile, R.layout.profile_first, R.layout.profile_second);
        controls = new RunControls(view(), R.string.measure, this::measure, () -> app.runs.cancel(app.profile));
        figures = new ProfileFigures(view(), app.device.name());
        Selection selection = app.selection;
        threads.offer(threadCounts(), true, chosen -> selection.threads = chosen);
        threads.choose(selection.threads);
        protocols.offer(protocolNames(), false, chosen -> selection.thorough = chosen.contains(FULL));
        protocols.choose(Set.of(selection.thorough ? FULL : QUICK));
        xnnpack.setChecked(selection.xnnpack);
        xnnpack.setOnCheckedChangeListener((view, on) -> selection.xnnpack = on);
        nnapi.setChecked(selection.nnapi);
        nnapi.setOnCheckedChangeListener((view, on) -> selection.nnapi = on);
        // Android 15 deprecates NNAPI, and newer devices come without drivers for it.
        nnapi.setVisibility(Build.VERSION.SDK_INT < Build.VERSION_CODES.VANILLA_ICE_CREAM ? View.VISIBLE : View.GONE);
        find(R.id.share).setOnClickListener(view -> share());
        watch(app.profile, this::show);
        watch(app.share, this::written);
    }

    private Map<String, String> threadCounts() {
        Map<String, String> labels = new LinkedHashMap<>();
        Stream.of("1", "2", "4").forEach(count -> labels.put(count, count));
        return labels;
    }

    private Map<String, String> protocolNames() {
        Map<String, String> labels = new LinkedHashMap<>();
        labels.put(QUICK, text(R.string.quick));
        labels.put(FULL, text(R.string.full));
        return labels;
    }

    @Override
    public void stop() {
        super.stop();
        if (!activity.isChangingConfigurations()) { // whoever left does not wait for the question any more
            app.runs.cancel(app.share);
            app.share.clear();
        }
        activity.getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    }

    @Override
    protected void show(Bundle shown) {
        bundle = shown;
        Map<String, String> offered = app.engines.offered(bundle);
        engines.offer(offered, true, chosen -> app.selection.profiledEngines = chosen);
        engines.choose(app.selection.profiledEngines(offered));
        controls.setRunnable(!offered.isEmpty());
    }

    private void measure() {
        Selection selection = app.selection;
        var chosen = selection.profiledEngines(app.engines.offered(bundle)).stream()
            .map(app.engines::byId).map(Optional::get).collect(Collectors.toList());
        var counts = threads.chosen().stream().map(Integer::valueOf).collect(Collectors.toList());
        EngineOptions options = EngineOptions.DEFAULT.withXnnpack(selection.xnnpack).withNnapi(selection.nnapi);
        Protocol protocol = selection.thorough ? Protocol.DEFAULT : Protocol.QUICK;
        ProfilePlan plan = new ProfilePlan(bundle, chosen, counts, options, protocol);
        if (!app.runs.start(app.profile, new ProfileWork(app, activity.getApplicationContext().getResources(), plan))) {
            notice.show(Notice.Weight.NOTE, text(R.string.busy));
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
            case DONE -> showVerdict(run.result());
            case FAILED -> notice.show(Notice.Weight.BAD, text(R.string.not_measured), Sentences.of(run.message()));
            case CANCELLED -> notice.show(Notice.Weight.NOTE, text(R.string.cancelled),
                text(R.string.profile_cancelled));
            default -> notice.hide();
        }
    }

    private void showVerdict(ProfileReport report) {
        boolean steady = report.entries().stream().allMatch(
            entry -> entry.stats().map(stats -> stats.steady()).orElse(true));
        if (report.hottest().throttled()) {
            notice.show(Notice.Weight.WARNING, text(R.string.throttled),
                text(R.string.throttled_detail, text(report.hottest().name())));
        } else if (!steady) {
            notice.show(Notice.Weight.WARNING, text(R.string.unsteady), text(R.string.unsteady_detail));
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
        var context = activity.getApplicationContext();
        if (!app.runs.start(app.share,
                control -> SharedFiles.share(context, "ssc-profile.json", report.result().toJson()))) {
            notice.show(Notice.Weight.NOTE, text(R.string.busy));
        }
    }

    /** Once, whichever of the screens before and after a rotation hears of it. */
    private void written(RunState<Void, Intent> run) {
        if (run.phase() == RunState.Phase.DONE) {
            app.share.clear();
            try {
                activity.startActivity(run.result());
            } catch (ActivityNotFoundException error) {
                notice.show(Notice.Weight.BAD, text(R.string.not_shared));
            }
        } else if (run.phase() == RunState.Phase.FAILED) {
            app.share.clear();
            notice.show(Notice.Weight.BAD, text(R.string.not_shared), Sentences.of(run.message()));
        }
    }
}
