package org.sscdeploy.demo.ui;

import android.view.View;
import android.widget.Button;
import android.widget.ProgressBar;
import android.widget.TextView;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Step;

/** The buttons that start and cancel a run, and how far it is. */
public final class RunControls {
    private final Button run;
    private final Button cancel;
    private final ProgressBar bar;
    private final TextView line;

    /** Binds the views of {@code run_controls.xml} below that one. */
    public RunControls(View root, int runText, Runnable onRun, Runnable onCancel) {
        run = root.findViewById(R.id.run);
        cancel = root.findViewById(R.id.cancel);
        bar = root.findViewById(R.id.progress);
        line = root.findViewById(R.id.progress_line);
        run.setText(runText);
        run.setOnClickListener(view -> onRun.run());
        cancel.setOnClickListener(view -> onCancel.run());
    }

    /** Whether there is something to run. */
    public void setRunnable(boolean runnable) {
        run.setEnabled(runnable);
    }

    /**
     * Shows how far a run is.
     *
     * @param step its progress; null where it said nothing yet
     */
    public void show(RunState<?, ?> state, Step step) {
        boolean active = state.active();
        run.setVisibility(active ? View.GONE : View.VISIBLE);
        cancel.setVisibility(active ? View.VISIBLE : View.GONE);
        boolean cancelling = state.phase() == RunState.Phase.CANCELLING;
        cancel.setEnabled(!cancelling);
        cancel.setText(cancelling ? R.string.cancelling : R.string.cancel);
        bar.setVisibility(active ? View.VISIBLE : View.GONE);
        bar.setIndeterminate(step == null || step.share() < 0);
        line.setVisibility(active ? View.VISIBLE : View.GONE);
        if (step == null) {
            line.setText(R.string.preparing);
        } else {
            bar.setProgress(Math.round(1000 * Math.max(0, step.share())));
            line.setText(step.line());
        }
    }
}
