package org.sscdeploy.demo.parity;

import android.app.Activity;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ImageView;
import android.widget.TextView;
import java.util.Set;
import org.sscdeploy.core.bundle.Bundle;
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
    private Bundle bundle;

    /** Makes the views. */
    public ParityScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.parity, R.layout.parity_first, R.layout.parity_second);
        controls = new RunControls(view(), R.string.compare, this::compare, () -> app.runs.cancel(app.parity));
        watch(app.parity, this::show);
    }

    @Override
    protected void show(Bundle shown) {
        bundle = shown;
        var offered = app.engines.offered(bundle);
        engines.offer(offered, false, chosen -> app.selection.engine = chosen.iterator().next());
        engines.choose(Set.of(app.selection.engine(offered)));
        controls.setRunnable(!offered.isEmpty());
    }

    private void compare() {
        var engine = app.engines.byId(app.selection.engine(app.engines.offered(bundle)));
        if (engine.isPresent() && !app.runs.start(app.parity, new ParityWork(app, bundle, engine.get()))) {
            notice.show(Notice.Weight.NOTE, text(R.string.busy));
        }
    }

    private void show(RunState<Step, ParityOutcome> run) {
        controls.show(run, run.progress());
        engines.setEnabled(!run.active());
        find(R.id.report).setVisibility(run.phase() == RunState.Phase.DONE ? View.VISIBLE : View.GONE);
        switch (run.phase()) {
            case DONE -> show(run.result());
            case FAILED -> notice.show(Notice.Weight.BAD, text(R.string.not_compared), Sentences.of(run.message()));
            case CANCELLED -> notice.show(Notice.Weight.NOTE, text(R.string.cancelled),
                text(R.string.parity_cancelled));
            default -> notice.hide();
        }
    }

    private void show(ParityOutcome outcome) {
        ParityReport report = outcome.report();
        int count = report.pictures().size();
        if (report.verdict() == Verdict.PASSED && report.preprocessingDiffers().isPresent()) {
            notice.show(Notice.Weight.WARNING, text(R.string.preparation_differs),
                text(R.string.preparation_differs_detail, outcome.runtime()));
        } else if (report.verdict() == Verdict.PASSED && report.diverging().isPresent()) {
            notice.show(Notice.Weight.WARNING, text(R.string.block_differs), text(
                R.string.block_differs_detail, report.diverging().get().name(), outcome.runtime()));
        } else if (report.verdict() == Verdict.PASSED) {
            notice.show(Notice.Weight.GOOD, text(R.string.matches),
                text(R.string.matches_detail, count, outcome.runtime()));
        } else if (outside(report) == 0) { // the root mean square alone is outside
            notice.show(Notice.Weight.BAD, text(R.string.differs),
                text(R.string.differs_together, outcome.runtime()));
        } else {
            notice.show(Notice.Weight.BAD, text(R.string.differs),
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
        chart.setContentDescription(text(R.string.chart_described, errors.length,
            Figures.error(report.max()), Figures.error(report.tolerance().max()), outside(report)));
    }

    private void showFailing(ParityOutcome outcome) {
        var failing = outcome.report().firstFailing();
        find(R.id.failing).setVisibility(failing.isPresent() ? View.VISIBLE : View.GONE);
        if (failing.isPresent()) {
            var picture = outcome.bundle().manifest().golden().pictures().get(failing.getAsInt());
            app.thumbnails.show(picture.path(), this.<ImageView>find(R.id.failing_picture));
            PictureResult result = outcome.report().pictures().get(failing.getAsInt());
            this.<TextView>find(R.id.failing_text).setText(text(R.string.failing_detail,
                failing.getAsInt() + 1, picture.path().getFileName(), Figures.error(result.max())));
        }
    }

    private void showFacts(ParityOutcome outcome) {
        ParityReport report = outcome.report();
        Facts facts = new Facts(find(R.id.facts));
        facts.add(R.string.largest_error, against(report.max(), report.tolerance().max()));
        facts.add(R.string.rms_error, against(report.rms(), report.tolerance().rms()));
        report.output().ifPresent(output -> facts.add(R.string.output_outside, text(
            R.string.output_detail, outcome.bundle().manifest().labels().get(output.index()),
            Figures.error(output.error()), Figures.error(output.bound()))));
        facts.add(R.string.preprocessing_bits, report.preprocessingDiffers().isPresent()
            ? text(R.string.preprocessing_differs, report.preprocessingDiffers().getAsInt() + 1)
            : text(R.string.preprocessing_same));
        if (outcome.blocksChecked()) {
            facts.add(R.string.first_diverging_block, report.diverging()
                .map(this::described)
                .orElseGet(() -> text(R.string.no_block_diverges)));
        } else if (report.verdict() == Verdict.FAILED) {
            facts.add(R.string.first_diverging_block, text(R.string.no_debug));
        }
        facts.add(R.string.runtime, outcome.runtime());
        facts.add(R.string.computed_on, outcome.device());
    }

    /** The block with the figure that exceeds its bound. */
    private String described(BlockResult block) {
        if (block.slice().isPresent()) {
            return text(R.string.block_detail, block.name(),
                Figures.error(block.slice().get().error()), Figures.error(block.slice().get().bound()));
        }
        return block.max() <= block.tolerance().max()
            ? text(R.string.block_detail_rms, block.name(), Figures.error(block.rms()),
                Figures.error(block.tolerance().rms()))
            : text(R.string.block_detail, block.name(), Figures.error(block.max()),
                Figures.error(block.tolerance().max()));
    }

    private String against(double error, double bound) {
        return text(R.string.error_against, Figures.error(error), Figures.error(bound));
    }
}
