import java.nio.file.Paths;
import java.util.Arrays;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.parity.GoldenReplay;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.engine.ort.OrtEngine;
import org.sscdeploy.engine.tflite.TfliteEngine;

/** Replays a bundle's golden set in the app's own engines: a line for each model, {@code ARCH ENGINE VERSION ...}. */
public final class ReplayGolden {
    private ReplayGolden() { }

    public static void main(String[] arguments) throws Exception {
        Bundle bundle = Bundle.open(Paths.get(arguments[0]));
        for (Engine engine : Arrays.asList(new OrtEngine(), new TfliteEngine())) {
            ModelEntry entry = bundle.model(engine.format()).orElseThrow(AssertionError::new);
            try (LoadedModel model = engine.load(entry.path(), EngineOptions.DEFAULT)) {
                ParityReport report = GoldenReplay.run(bundle, model, entry, Progress.NONE, Cancellation.NEVER);
                System.out.println("replayed " + System.getProperty("os.arch") + " " + engine.id() + " "
                        + engine.version() + " " + report.pictures().size() + " " + report.verdict() + " "
                        + report.max() + " " + report.rms());
            }
        }
        System.exit(0);
    }
}
