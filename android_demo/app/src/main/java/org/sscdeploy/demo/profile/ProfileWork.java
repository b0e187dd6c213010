package org.sscdeploy.demo.profile;

import android.content.res.Resources;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.core.bench.BenchRunner;
import org.sscdeploy.core.bench.ClockWatch;
import org.sscdeploy.core.bench.Contender;
import org.sscdeploy.core.bench.Turn;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Measurement;
import org.sscdeploy.core.job.Result;
import org.sscdeploy.demo.AppState;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.device.BootClocks;
import org.sscdeploy.demo.device.ThermalState;
import org.sscdeploy.demo.run.Control;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.run.Work;
import org.sscdeploy.demo.ui.LatencySeries;

/** Measures a plan: the runtimes take turns at one number of threads, then at the next. */
final class ProfileWork implements Work<ProfileProgress, ProfileReport> {
    private final AppState app;
    private final Resources texts;
    private final ProfilePlan plan;
    private final List<LatencySeries> series = new ArrayList<>();
    private ThermalState hottest;

    ProfileWork(AppState app, Resources texts, ProfilePlan plan) {
        this.app = app;
        this.texts = texts;
        this.plan = plan;
    }

    @Override
    public ProfileReport run(Control<ProfileProgress> control) throws Exception {
        BootClocks clocks = new BootClocks();
        ClockWatch watch = new ClockWatch(clocks);
        ThermalState thermalBefore = app.thermal.now();
        hottest = thermalBefore;
        var before = app.device.snapshot();
        List<BenchResult> entries = new ArrayList<>();
        List<Measurement> measurements = new ArrayList<>();
        for (int i = 0; i < plan.threads().size(); i++) {
            int threads = plan.threads().get(i);
            List<Contender> contenders = contenders(threads);
            List<BenchResult> results = new BenchRunner(clocks).run(
                contenders, plan.protocol(), false, new Listener(control, i), control);
            for (int model = 0; model < results.size(); model++) {
                BenchResult result = results.get(model);
                entries.add(result);
                measurements.add(Measurement.of(model, threads, result, ""));
            }
        }
        ThermalState thermalAfter = app.thermal.now();
        var after = app.device.snapshot();
        List<String> notes = new ArrayList<>(watch.notes());
        notes.add(JobRunner.NO_FRESH);
        for (int model = 0; model < plan.engines().size(); model++) {
            var engine = plan.engines().get(model);
            notes.add("model " + model + " is " + plan.bundle().model(engine.format()).get().file() + " of "
                + plan.bundle().manifest().name() + " in " + app.engines.nameAndVersion(engine));
        }
        notes.add("thermal state: " + texts.getString(thermalBefore.name()) + " before, "
            + texts.getString(hottest.name()) + " at worst, " + texts.getString(thermalAfter.name()) + " after");
        Result result = new Result(UUID.randomUUID().toString(), app.device.environment(), before, after,
            measurements, notes, Map.of());
        return new ProfileReport(entries, thermalBefore, hottest, thermalAfter, result);
    }

    private List<Contender> contenders(int threads) {
        List<Contender> contenders = new ArrayList<>();
        for (var engine : plan.engines()) {
            String name = texts.getString(R.string.contender, app.engines.name(engine),
                texts.getQuantityString(R.plurals.threads, threads, threads));
            var model = plan.bundle().model(engine.format()).get();
            contenders.add(Contender.of(name, plan.bundle(), model, engine, plan.options(threads)));
            series.add(new LatencySeries(name));
        }
        return contenders;
    }

    /** Hears of one number of threads, between turns. */
    private final class Listener implements BenchListener {
        private final Control<ProfileProgress> control;
        private final int round;
        private Step last = new Step("", 0, 0);

        Listener(Control<ProfileProgress> control, int round) {
            this.control = control;
            this.round = round;
        }

        @Override
        public void report(String line, int done, int total) {
            // A thousand parts for all rounds together, of which this one is a share.
            int parts = 1000 / plan.threads().size();
            int own = total > 0 ? parts * done / total : 0;
            last = new Step(line, round * parts + own, 1000);
            publish();
        }

        @Override
        public void turn(int contender, Turn turn) {
            int place = round * plan.engines().size() + contender;
            series.set(place, series.get(place).with(turn.samplesNanos()));
            ThermalState now = app.thermal.now();
            hottest = now.status() > hottest.status() ? now : hottest;
            publish();
        }

        private void publish() {
            control.publish(new ProfileProgress(last, series, plan.protocol().repeats()));
        }
    }
}
