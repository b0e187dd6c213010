import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.Clocks;
import org.sscdeploy.core.job.Device;
import org.sscdeploy.core.job.Environment;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Snapshot;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.engine.ort.OrtEngine;
import org.sscdeploy.engine.tflite.TfliteEngine;

/** Does a job in the app's core and engines on a Java machine: {@code RunJob FOLDER/job.json}. */
public final class RunJob {
    private static final OrtEngine ORT = new OrtEngine();
    private static final TfliteEngine TFLITE = new TfliteEngine();

    private RunJob() { }

    /** Prints the last status; exits with 1 where not even that could be written. */
    public static void main(String[] arguments) throws Exception {
        Path job = Paths.get(arguments[0]);
        Status status = new JobRunner(Arrays.asList(ORT, TFLITE), new Host(), new HostClocks())
            .execute(job, BenchListener.NONE, Cancellation.NEVER);
        System.out.println(status.toJson());
    }

    /** The clocks of the Java machine. */
    private static final class HostClocks implements Clocks {
        @Override
        public long monotonicNanos() {
            return System.nanoTime();
        }

        @Override
        public long wallNanos() {
            return Math.multiplyExact(System.currentTimeMillis(), 1_000_000L);
        }

        @Override
        public OptionalLong bootNanos() {
            return OptionalLong.empty();
        }
    }

    /** The Java machine, as far as it knows itself. */
    private static final class Host implements Device {
        @Override
        public Environment environment() {
            Map<String, String> runtimes = new LinkedHashMap<>();
            runtimes.put("onnxruntime", ORT.version());
            runtimes.put("tflite", TFLITE.version());
            return new Environment("", "", System.getProperty("os.arch"), Runtime.getRuntime().availableProcessors(),
                OptionalLong.empty(), System.getProperty("os.name") + " " + System.getProperty("os.version"),
                "Java " + System.getProperty("java.version"), runtimes);
        }

        @Override
        public Snapshot snapshot() {
            return new Snapshot(System.currentTimeMillis() / 1000.0, OptionalDouble.empty(), Collections.emptyMap(),
                Collections.emptyMap(), Collections.emptyMap());
        }
    }
}
