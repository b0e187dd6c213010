package org.sscdeploy.demo.parity;

import java.util.Optional;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.parity.BlockResult;
import org.sscdeploy.core.parity.GoldenReplay;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.demo.AppState;
import org.sscdeploy.demo.run.Control;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.run.Work;

/** Replays the golden set in one runtime; on a debug bundle, looks for the first block that diverges. */
record ParityWork(AppState app, Bundle bundle, Engine engine)
        implements Work<Step, ParityOutcome> {
    @Override
    public ParityOutcome run(Control<Step> control) throws Exception {
        var entry = bundle.model(engine.format()).get();
        Progress progress = (line, done, total) -> control.publish(new Step(line, done, total));
        ParityReport report;
        try (var model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
            report = GoldenReplay.run(bundle, model, entry, progress, control);
        }
        boolean debug = bundle.manifest().debug().isPresent() && runs(engine, bundle);
        if (debug) {
            report = report.withDiverging(diverging(progress, control));
        }
        return new ParityOutcome(report, bundle, app.engines.nameAndVersion(engine), app.device.name(), debug);
    }

    /** Whether the model of the blocks is one for this runtime. */
    private static boolean runs(Engine engine, Bundle bundle) {
        return bundle.manifest().debug().get().model().toString().endsWith("." + engine.format());
    }

    private Optional<BlockResult> diverging(Progress progress, Control<Step> control)
            throws EngineException, BundleException, CancelledException {
        try (var blocks = engine.load(bundle.manifest().debug().get().model(), EngineOptions.DEFAULT)) {
            return GoldenReplay.firstDiverging(bundle, blocks, progress, control);
        }
    }
}
