package org.sscdeploy.demo.parity;

import android.app.Activity;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ImageView;
import android.widget.TextView;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.GoldenPicture;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.parity.BlockResult;
import org.sscdeploy.core.parity.ParityReport;
import org.sscdeploy.core.parity.PictureResult;
import org.sscdeploy.core.parity.Verdict;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.Screen;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.ui.Choices;
import org.sscdeploy.demo.ui.Facts;
import org.sscdeploy.demo.ui.Figures;
import org.sscdeploy.demo.ui.Notice;
import org.sscdeploy.demo.ui.RunControls;
import org.sscdeploy.demo.ui.Sentences;
import org.sscdeploy.demo.ui.ToleranceChart;

/** Whether this device computes what PyTorch computed in float64, picture by picture. */
public final class ParityScreen extends Screen {
    private final Choices engines = find(R.id.engines);
    private final Notice notice = find(R.id.notice);
    private final RunControls controls;
    private final Consumer<RunState<Step, ParityOutcome>> watcher = this::show;
    private Bundle bundle;

    /** Makes the views. */
    public ParityScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.parity, R.layout.parity_first, R.layout.parity_second);
        controls = new RunControls(view(), R.string.compare, this::compare, () -> app.runs.cancel(app.parity));
    }

    @Override
    public void start() {
        super.start();
        app.parity.watch(watcher);
    }

    @Override
    public void stop() {
        app.parity.forget(watcher);
        super.stop();
    }

    @Override
    protected void show(Bundle shown) {
        bundle = shown;
        Map<String, String> offered = app.engines.offered(bundle);
        engines.offer(offered, false, chosen -> app.selection.engine(chosen.iterator().next()));
        engines.choose(Set.of(app.selection.engine(offered)));
        controls.setRunnable(!offered.isEmpty());
    }

    @Override
    protected void showNoBundle() {
        bundle = null;
        engines.offer(Map.of(), false, chosen -> { });
        controls.setRunnable(false);
    }

    private void compare() {
        Optional<Engine> engine = app.engines.byId(app.selection.engine(app.engines.offered(bundle)));
        if (engine.isPresent() && !app.runs.start(app.parity, new ParityWork(app, bundle, engine.get()))) {
            notice.show(Notice.Weight.NOTE, activity.getString(R.string.busy));
        }
    }

    private void show(RunState<Step, ParityOutcome> run) {
        controls.show(run, run.progress());
        engines.setEnabled(!run.active());
        find(R.id.report).setVisibility(run.phase() == RunState.Phase.DONE ? View.VISIBLE : View.GONE);
        switch (run.phase()) {
            case DONE:
                show(run.result());
                break;
            case FAILED:
                notice.show(Notice.Weight.BAD, activity.getString(R.string.not_compared), Sentences.of(run.message()));
                break;
            case CANCELLED:
                notice.show(Notice.Weight.NOTE, activity.getString(R.string.cancelled),
                    activity.getString(R.string.parity_cancelled));
                break;
            default:
                notice.hide();
                break;
        }
    }

    private void show(ParityOutcome outcome) {
        ParityReport report = outcome.report();
        int count = report.pictures().size();
        if (report.verdict() == Verdict.PASSED && report.preprocessingDiffers().isPresent()) {
            notice.show(Notice.Weight.WARNING, activity.getString(R.string.preparation_differs),
                activity.getString(R.string.preparation_differs_detail, outcome.runtime()));
        } else if (report.verdict() == Verdict.PASSED && report.diverging().isPresent()) {
            notice.show(Notice.Weight.WARNING, activity.getString(R.string.block_differs), activity.getString(
                R.string.block_differs_detail, report.diverging().get().name(), outcome.runtime()));
        } else if (report.verdict() == Verdict.PASSED) {
            notice.show(Notice.Weight.GOOD, activity.getString(R.string.matches),
                activity.getString(R.string.matches_detail, count, outcome.runtime()));
        } else if (outside(report) == 0) { // the root mean square alone is outside
            notice.show(Notice.Weight.BAD, activity.getString(R.string.differs),
                activity.getString(R.string.differs_together, outcome.runtime()));
        } else {
            notice.show(Notice.Weight.BAD, activity.getString(R.string.differs),
                activity.getResources().getQuantityString(
                    R.plurals.differs_detail, outside(report), outside(report), count, outcome.runtime()));
        }
        showChart(report);
        showFailing(outcome);
        showFacts(outcome);
    }

    private static int outside(ParityReport report) {
        return (int) report.pictures().stream().filter(picture -> !picture.within()).count();
    }

    private void showChart(ParityReport report) {
        ToleranceChart chart = find(R.id.chart);
        double[] errors = report.pictures().stream().mapToDouble(PictureResult::max).toArray();
        chart.show(errors, report.tolerance().max());
        chart.setContentDescription(activity.getString(R.string.chart_described, errors.length,
            Figures.error(report.max()), Figures.error(report.tolerance().max()), outside(report)));
    }

    private void showFailing(ParityOutcome outcome) {
        OptionalInt failing = outcome.report().firstFailing();
        find(R.id.failing).setVisibility(failing.isPresent() ? View.VISIBLE : View.GONE);
        if (failing.isPresent()) {
            GoldenPicture picture = outcome.bundle().pictures().get(failing.getAsInt());
            app.thumbnails.show(picture.path(), this.<ImageView>find(R.id.failing_picture));
            PictureResult result = outcome.report().pictures().get(failing.getAsInt());
            this.<TextView>find(R.id.failing_text).setText(activity.getString(R.string.failing_detail,
                failing.getAsInt() + 1, picture.path().getFileName(), Figures.error(result.max())));
        }
    }

    private void showFacts(ParityOutcome outcome) {
        ParityReport report = outcome.report();
        Facts facts = new Facts(find(R.id.facts));
        facts.add(R.string.largest_error, against(report.max(), report.tolerance().max()));
        facts.add(R.string.rms_error, against(report.rms(), report.tolerance().rms()));
        report.output().ifPresent(output -> facts.add(R.string.output_outside, activity.getString(
            R.string.output_detail, outcome.bundle().labels().get(output.index()), Figures.error(output.error()),
            Figures.error(output.bound()))));
        facts.add(R.string.preprocessing_bits, report.preprocessingDiffers().isPresent()
            ? activity.getString(R.string.preprocessing_differs, report.preprocessingDiffers().getAsInt() + 1)
            : activity.getString(R.string.preprocessing_same));
        if (outcome.blocksChecked()) {
            facts.add(R.string.first_diverging_block, report.diverging()
                .map(this::described)
                .orElseGet(() -> activity.getString(R.string.no_block_diverges)));
        } else if (report.verdict() == Verdict.FAILED) {
            facts.add(R.string.first_diverging_block, activity.getString(R.string.no_debug));
        }
        facts.add(R.string.runtime, outcome.runtime());
        facts.add(R.string.computed_on, outcome.device());
    }

    /** The block with the figure that exceeds its bound. */
    private String described(BlockResult block) {
        if (block.slice().isPresent()) {
            return activity.getString(R.string.block_detail, block.name(),
                Figures.error(block.slice().get().error()), Figures.error(block.slice().get().bound()));
        }
        return block.max() <= block.tolerance().max()
            ? activity.getString(R.string.block_detail_rms, block.name(), Figures.error(block.rms()),
                Figures.error(block.tolerance().rms()))
            : activity.getString(R.string.block_detail, block.name(), Figures.error(block.max()),
                Figures.error(block.tolerance().max()));
    }

    private String against(double error, double bound) {
        return activity.getString(R.string.error_against, Figures.error(error), Figures.error(bound));
    }
}
