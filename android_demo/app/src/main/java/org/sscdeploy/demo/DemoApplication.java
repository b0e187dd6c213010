package org.sscdeploy.demo;

import android.app.Application;
import android.content.Context;
import java.util.List;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.engine.ort.OrtEngine;
import org.sscdeploy.engine.tflite.TfliteEngine;

/** The process: keeps what outlives the Activities. */
public class DemoApplication extends Application {
    private AppState state;

    /** What lives as long as the process. Main thread. */
    public static AppState state(Context context) {
        DemoApplication application = (DemoApplication) context.getApplicationContext();
        if (application.state == null) {
            application.state = new AppState(application, application.engines());
        }
        return application.state;
    }

    /**
     * The runtimes that the app carries. ONNX Runtime is first, and so the one that is chosen at the start: its library
     * loads on devices with pages of 16 KB, where the system refuses TFLite 2.16.1's.
     */
    protected List<Engine> engines() {
        return List.of(new OrtEngine(), new TfliteEngine());
    }
}
