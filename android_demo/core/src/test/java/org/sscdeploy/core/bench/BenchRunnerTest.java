package org.sscdeploy.core.bench;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.TestBundle;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.ScriptedEngine;

public class BenchRunnerTest {
    /** Two warm-up runs, four kept runs in two turns, one run to warm up again. */
    private static final Protocol SMALL = new Protocol(2, 0, 4, 0, 2, 1, 0, 0);

    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private final ScriptedEngine engine = new ScriptedEngine();

    @Test
    public void modelsTakeTurnsAndEachIsFirstInItsTurn() throws Exception {
        run(SMALL, "a.onnx", "b.onnx");
        List<String> runs = engine.diary.stream().filter(line -> line.startsWith("run"))
            .map(line -> line.substring(4, 5)).collect(Collectors.toList());
        String golden = String.join("", Collections.nCopies(TestBundle.COUNT, "a"))
            + String.join("", Collections.nCopies(TestBundle.COUNT, "b"));
        assertEquals(golden + "aabb" + "aaabbb" + "bbbaaa", String.join("", runs));
    }

    @Test
    public void aTurnHoldsWhatEachRunTookAndWhenItBegan() throws Exception {
        engine.costing(700);
        BenchResult result = run(SMALL, "a.onnx").get(0);
        assertEquals(2, result.turns().size());
        assertEquals("[700, 700]", Arrays.toString(result.turns().get(0).samplesNanos()));
        assertEquals(700, result.turns().get(0).startNanos());
        assertEquals(700 * 4, result.turns().get(1).startNanos());
        assertEquals(700, result.stats().get().p50(), 0);
    }

    @Test
    public void bothBoundsOfWarmUpAndTurnsAreReached() throws Exception {
        engine.costing(1_000_000);
        BenchResult result = run(new Protocol(1, 0.01, 1, 0.03, 3, 0, 0, 0), "a.onnx").get(0);
        // A turn lasts a third of 30 ms and a nanosecond.
        assertEquals(11, result.turns().get(0).samplesNanos().length);
        long runs = engine.diary.stream().filter("run a.onnx"::equals).count();
        assertEquals(TestBundle.COUNT + 10 + 3 * 11, runs);
    }

    @Test
    public void runsAreSharedByTheTurnsRoundedUp() throws Exception {
        BenchResult result = run(new Protocol(0, 0, 10, 0, 4, 0, 0, 0), "a.onnx").get(0);
        assertEquals(4, result.turns().size());
        assertEquals(3, result.turns().get(3).samplesNanos().length);
    }

    @Test
    public void withoutAProtocolTheGoldenSetIsReplayedAndNoMore() throws Exception {
        BenchResult result = run(null, "a.onnx").get(0);
        assertTrue(result.turns().isEmpty());
        assertFalse(result.stats().isPresent());
        assertEquals(0, result.golden().get(0).max(), 0);
        assertEquals(TestBundle.COUNT, engine.diary.stream().filter("run a.onnx"::equals).count());
    }

    @Test
    public void aModelThatIsWrongIsNotTimedAndTheOthersAre() throws Exception {
        Bundle wrong = bundle(new TestBundle("Wrong").withOutput(3, 1, 5));
        List<BenchResult> results = run(SMALL, contender(wrong, "a.onnx"), contender(bundle(), "b.onnx"));
        EngineException failure = results.get(0).failure().get();
        assertEquals(FailureKind.WRONG_ANSWER, failure.kind());
        assertTrue(failure.getMessage(), failure.getMessage().matches("output 0 is off by max "
            + "\\d\\.\\d\\de[+-]\\d\\d \\(allowed 1\\.00e-06\\), rms .* \\(allowed 5\\.00e-07\\)"));
        assertTrue(results.get(0).golden().get(0).max() > 1);
        assertTrue(results.get(0).turns().isEmpty());
        assertEquals(2, results.get(1).turns().size());
        assertTrue(engine.diary.contains("close a.onnx"));
    }

    @Test
    public void aModelThatFailsInItsSecondTurnTellsNoLatencyAndTheOthersGoOn() throws Exception {
        engine.at("a.onnx", TestBundle.COUNT + 7, () -> {
            throw new EngineException(FailureKind.FAILED, "it broke");
        });
        List<BenchResult> results = run(SMALL, "a.onnx", "b.onnx");
        assertEquals("it broke", results.get(0).failure().get().getMessage());
        assertTrue(results.get(0).turns().isEmpty());
        assertEquals(2, results.get(1).turns().size());
    }

    @Test
    public void runningOutOfMemoryIsAResult() throws Exception {
        engine.at("a.onnx", 3, () -> {
            throw new OutOfMemoryError("Java heap space");
        });
        List<BenchResult> results = run(SMALL, "a.onnx", "b.onnx");
        assertEquals(FailureKind.FAILED, results.get(0).failure().get().kind());
        assertEquals("memory ran out while it was run; close other apps, or take a smaller model",
            results.get(0).failure().get().getMessage());
        assertEquals(2, results.get(1).turns().size());
    }

    @Test
    public void whatTheRuntimeThrowsUncheckedIsAResult() throws Exception {
        engine.at("a.onnx", 3, () -> {
            throw new IllegalStateException("no");
        });
        assertEquals(FailureKind.FAILED, run(SMALL, "a.onnx").get(0).failure().get().kind());
    }

    @Test
    public void aClockThatStandsStillOrGoesBackIsAResult() throws Exception {
        engine.at("a.onnx", TestBundle.COUNT + 6, () -> engine.pass(-1000));
        engine.at("b.onnx", TestBundle.COUNT + 1, () -> engine.pass(-5000));
        List<BenchResult> results = run(SMALL, "a.onnx", "b.onnx");
        assertEquals("the monotonic clock moved by 0 ns during an inference; nothing can be timed",
            results.get(0).failure().get().getMessage());
        assertEquals(FailureKind.CLOCK, results.get(1).failure().get().kind());
        assertTrue(results.get(1).failure().get().getMessage().contains("-4000 ns"));
    }

    @Test
    public void aCancelledRunEndsAtOnceAndClosesItsModels() throws Exception {
        boolean[] cancelled = {false};
        engine.at("b.onnx", TestBundle.COUNT + 3, () -> cancelled[0] = true);
        List<Contender> contenders = Arrays.asList(contender(bundle(), "a.onnx"), contender(bundle(), "b.onnx"));
        assertThrows(CancelledException.class,
            () -> new BenchRunner(engine).run(contenders, SMALL, false, BenchListener.NONE, () -> cancelled[0]));
        assertEquals("close b.onnx", engine.diary.get(engine.diary.size() - 1));
        assertEquals("close a.onnx", engine.diary.get(engine.diary.size() - 2));
        assertEquals("run b.onnx", engine.diary.get(engine.diary.size() - 3));
    }

    @Test
    public void aModelWithoutAnEngineIsRefusedByItself() throws Exception {
        Contender none = new Contender("c", null, EngineOptions.DEFAULT, Paths.get("c.tflite"), () -> null);
        List<BenchResult> results = run(SMALL, none, contender(bundle(), "b.onnx"));
        assertEquals("no runtime is known for c.tflite", results.get(0).failure().get().getMessage());
        assertEquals(2, results.get(1).turns().size());
    }

    @Test
    public void aListenerHearsEveryTurnAndThatWorkGoesOn() throws Exception {
        List<String> heard = new ArrayList<>();
        BenchListener listener = new BenchListener() {
            @Override
            public void report(String line, int done, int total) {
                heard.add(line + " " + done + "/" + total);
            }

            @Override
            public void turn(int contender, Turn turn) {
                heard.add("turn of " + contender);
            }
        };
        new BenchRunner(engine).run(
            Collections.singletonList(contender(bundle(), "a.onnx")), SMALL, false, listener, Cancellation.NEVER);
        assertEquals(Arrays.asList("a.onnx: golden set, 1 thread 0/4", "a.onnx: warm-up, 1 thread 1/4",
            "turn 1/2, 1 thread 2/4", "turn of 0", "turn 2/2, 1 thread 3/4", "turn of 0"), heard);
    }

    private List<BenchResult> run(Protocol protocol, String... files) throws Exception {
        List<Contender> contenders = new ArrayList<>();
        for (String file : files) {
            contenders.add(contender(bundle(), file));
        }
        return run(protocol, contenders.toArray(new Contender[0]));
    }

    private List<BenchResult> run(Protocol protocol, Contender... contenders) throws Exception {
        return new BenchRunner(engine).run(
            Arrays.asList(contenders), protocol, false, BenchListener.NONE, Cancellation.NEVER);
    }

    private Bundle bundle() throws Exception {
        return bundle(new TestBundle("Net"));
    }

    private Bundle bundle(TestBundle bundle) throws Exception {
        return Bundle.open(bundle.write(temporary.newFolder().toPath()));
    }

    private Contender contender(Bundle bundle, String file) {
        Contender whole = Contender.of(file, bundle, bundle.manifest().models().get(0), engine, EngineOptions.DEFAULT);
        return new Contender(file, engine, EngineOptions.DEFAULT, Paths.get(file), whole.reference());
    }
}
