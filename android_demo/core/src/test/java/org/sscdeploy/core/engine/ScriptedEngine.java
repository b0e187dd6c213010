package org.sscdeploy.core.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import org.sscdeploy.core.bench.Clocks;

/**
 * An engine whose model answers with the first four values of its input, and whose clock goes on by what a run is said
 * to take: so that what depends on time can be tested to the nanosecond. It keeps a diary.
 */
public final class ScriptedEngine implements Engine, Clocks {
    /** What happened, e.g. {@code "load a.onnx"}, {@code "run a.onnx"}. */
    public final List<String> diary = new ArrayList<>();

    /** What goes wrong, by the file's name, at which run from 1 on. */
    private final List<Script> scripts = new ArrayList<>();

    private long now = 1_000_000;
    private long costNanos = 1000;

    /** Something that is done at a run of a file. */
    @FunctionalInterface
    public interface Event {
        /** Does it. */
        void happen() throws EngineException;
    }

    private static final class Script {
        final String file;
        final int run;
        final Event event;

        Script(String file, int run, Event event) {
            this.file = file;
            this.run = run;
            this.event = event;
        }
    }

    /** At the run of a file, counted from 1, something happens. */
    public ScriptedEngine at(String file, int run, Event event) {
        scripts.add(new Script(file, run, event));
        return this;
    }

    /** What a run takes. */
    public ScriptedEngine costing(long nanos) {
        costNanos = nanos;
        return this;
    }

    /** Moves the clock. */
    public void pass(long nanos) {
        now += nanos;
    }

    @Override
    public String id() {
        return "onnxruntime";
    }

    @Override
    public String version() {
        return "0";
    }

    @Override
    public String format() {
        return "onnx";
    }

    @Override
    public LoadedModel load(Path file, EngineOptions options) throws EngineException {
        String name = file.getFileName().toString();
        diary.add("load " + name + ", " + options);
        return new Scripted(name);
    }

    @Override
    public long monotonicNanos() {
        return now;
    }

    @Override
    public long wallNanos() {
        return 1_700_000_000_000_000_000L + now;
    }

    @Override
    public OptionalLong bootNanos() {
        return OptionalLong.of(now);
    }

    private final class Scripted implements LoadedModel {
        private final String file;
        private Tensor input;
        private int runs;

        Scripted(String file) {
            this.file = file;
        }

        @Override
        public List<TensorSpec> inputs() {
            return Collections.singletonList(new TensorSpec("input", new int[] {1, 3, 4, 4}, "float32"));
        }

        @Override
        public List<TensorSpec> outputs() {
            return Collections.singletonList(new TensorSpec("output", new int[] {1, 4}, "float32"));
        }

        @Override
        public void setInput(int index, Tensor value) {
            input = value;
        }

        @Override
        public void run() throws EngineException {
            runs++;
            diary.add("run " + file);
            now += costNanos;
            for (Script script : scripts) {
                if (script.file.equals(file) && script.run == runs) {
                    script.event.happen();
                }
            }
        }

        @Override
        public Tensor output(int index) {
            return new Tensor(Arrays.copyOf(input.data(), 4), 1, 4);
        }

        @Override
        public void close() {
            diary.add("close " + file);
        }
    }
}
