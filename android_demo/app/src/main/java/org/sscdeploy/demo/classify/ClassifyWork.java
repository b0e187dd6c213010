package org.sscdeploy.demo.classify;

import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.classify.TopK;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.RealModel;
import org.sscdeploy.core.picture.Pixels;
import org.sscdeploy.core.picture.Preprocessor;
import org.sscdeploy.demo.AppState;
import org.sscdeploy.demo.run.Control;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.run.Work;

/** Classifies one picture in one runtime. */
record ClassifyWork(AppState app, Bundle bundle, Engine engine, PictureSource source)
        implements Work<Step, Classification> {
    private static final int CANDIDATES = 5;

    /** Pixels of the picture on the screen; more would only cost memory. */
    private static final int SCREEN_SIDE = 640;

    @Override
    public Classification run(Control<Step> control) throws Exception {
        Pixels pixels = PictureReader.read(source.content().read());
        var picture = PictureReader.forScreen(pixels, SCREEN_SIDE);
        var entry = bundle.model(engine.format()).get();
        long start = System.nanoTime();
        var input = new Preprocessor(bundle.manifest().preprocessing()).apply(pixels, entry.layout());
        long prepareNanos = System.nanoTime() - start;

        boolean warm = app.models.holds(engine, entry.path(), bundle.sha256());
        var model = RealModel.of(
            app.models.get(engine, entry.path(), bundle.sha256()), entry.input(), entry.output());
        model.setInput(0, input);
        if (!warm) {
            model.run(); // the first inference after loading also pays for what the runtime prepares
        }
        control.check();
        start = System.nanoTime();
        model.run();
        long runNanos = System.nanoTime() - start;
        var candidates = TopK.of(
            model.output(0).data(), bundle.manifest().outputKind(), bundle.manifest().labels(), CANDIDATES);
        String runtime = app.engines.nameAndVersion(engine) + ", " + EngineOptions.DEFAULT;
        return new Classification(source.key(), picture, candidates, bundle.manifest().outputKind(), runtime,
            app.device.name(), runNanos, prepareNanos);
    }
}
