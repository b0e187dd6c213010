package org.sscdeploy.core.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.core.engine.Tensor;
import org.sscdeploy.core.parity.Distance;

/** Measures contenders that take turns, as {@code ssc_deploy/profiling/runner/latency.py} does. */
public record BenchRunner(Clocks clocks) {
    /**
     * Replays the golden set of each contender, then times those that are right. What is wrong with one becomes its
     * {@link BenchResult#failure}, running out of memory too; the others go on.
     *
     * @param contenders  that take turns; callers measure at one number of threads, then at the next
     * @param protocol    how to time; null to replay the golden sets and no more
     * @param keepOutputs whether results hold what the device computed for the golden set
     * @return one each, in order
     */
    public List<BenchResult> run(List<Contender> contenders, Protocol protocol, boolean keepOutputs,
            BenchListener listener, Cancellation cancellation) throws CancelledException {
        List<Racer> racers = new ArrayList<>();
        int total = contenders.size() + (protocol == null ? 0 : contenders.size() + protocol.repeats());
        Stopwatch watch = new Stopwatch(clocks, cancellation);
        try {
            for (int i = 0; i < contenders.size(); i++) {
                Racer racer = new Racer(i, contenders.get(i));
                racers.add(racer);
                listener.report(racer.contender.name() + ": golden set, " + racer.contender.options(), i, total);
                racer.guarded(() -> racer.prepare(keepOutputs, cancellation));
            }
            if (protocol != null) {
                takeTurns(racers, protocol, watch, listener, total);
            }
            return racers.stream().map(Racer::result).collect(Collectors.toList());
        } finally {
            racers.forEach(Racer::close);
        }
    }

    private static void takeTurns(List<Racer> all, Protocol protocol, Stopwatch watch, BenchListener listener,
            int total) throws CancelledException {
        List<Racer> racers = new ArrayList<>(all);
        int repeats = protocol.repeats();
        int runs = (protocol.runs() + repeats - 1) / repeats;
        long nanoseconds = (long) (1e9 * protocol.seconds() / repeats) + 1;
        System.gc(); // a collection in the middle of a run would be counted as the model's
        for (Racer racer : all) {
            if (racer.isReady()) {
                listener.report(racer.contender.name() + ": warm-up, " + racer.contender.options(),
                    all.size() + racer.index, total);
                racer.guarded(() -> watch.timed(
                    racer.model, protocol.warmupRuns(), (long) (1e9 * protocol.warmupSeconds())));
            }
        }
        racers.removeIf(racer -> !racer.isReady());
        long begin = watch.now();
        for (int repeat = 0; repeat < repeats && !racers.isEmpty(); repeat++) {
            listener.report("turn " + (repeat + 1) + "/" + repeats + ", " + racers.get(0).contender.options(),
                2 * all.size() + repeat, total);
            for (Racer racer : rotated(racers, repeat)) {
                racer.guarded(() -> {
                    watch.timed(racer.model, protocol.rewarmRuns(), 0);
                    long start = watch.now();
                    racer.turns.add(new Turn(start - begin, watch.timed(racer.model, runs, nanoseconds)));
                });
                if (racer.isReady()) {
                    listener.turn(racer.index, racer.turns.get(racer.turns.size() - 1));
                }
            }
            racers.removeIf(racer -> !racer.isReady());
        }
    }

    /** Who is first in this round: each in its turn, since being first costs time by itself. */
    private static List<Racer> rotated(List<Racer> racers, int repeat) {
        List<Racer> order = new ArrayList<>(racers);
        Collections.rotate(order, -(repeat % order.size()));
        return order;
    }

    /** Work on one contender that may fail. */
    private interface Work {
        void run() throws EngineException, CancelledException;
    }

    /** One contender on its way through a measurement. */
    private static final class Racer {
        final int index;
        final Contender contender;
        final List<Turn> turns = new ArrayList<>();
        LoadedModel model;
        private List<Distance> golden = List.of();
        private List<List<Tensor>> outputs = List.of();
        private EngineException failure;

        Racer(int index, Contender contender) {
            this.index = index;
            this.contender = contender;
        }

        boolean isReady() {
            return failure == null;
        }

        /** What fails is out from here on, and nothing of its latency is told. */
        void guarded(Work work) throws CancelledException {
            try {
                work.run();
            } catch (EngineException error) {
                failure = error;
            } catch (OutOfMemoryError error) {
                failure = new EngineException(FailureKind.FAILED,
                    "memory ran out while it was run; close other apps, or take a smaller model", error);
            } catch (RuntimeException error) {
                failure = new EngineException(FailureKind.FAILED, "the runtime fails: " + error, error);
            }
            if (failure != null) {
                turns.clear();
                close();
            }
        }

        void prepare(boolean keepOutputs, Cancellation cancellation) throws EngineException, CancelledException {
            if (contender.engine() == null) {
                throw new EngineException(
                    FailureKind.REFUSED, "no runtime is known for " + contender.file().getFileName());
            }
            model = contender.engine().load(contender.file(), contender.options());
            GoldenReference reference = contender.reference().read();
            List<List<Tensor>> computed = GoldenCheck.replay(model, reference, cancellation);
            if (keepOutputs) {
                outputs = computed;
            }
            golden = GoldenCheck.errors(computed, reference);
            GoldenCheck.checkBounds(golden, reference.bounds());
            GoldenCheck.checkSlices(computed, reference);
            GoldenCheck.feed(model, reference.inputs().get(0));
        }

        void close() {
            if (model != null) {
                model.close();
                model = null;
            }
        }

        BenchResult result() {
            return new BenchResult(contender, golden, outputs, List.copyOf(turns),
                turns.isEmpty() ? Optional.empty() : Optional.of(Statistics.latency(turns)),
                Optional.ofNullable(failure));
        }
    }
}
