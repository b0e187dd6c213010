package org.sscdeploy.demo;

import android.app.Activity;
import android.os.Bundle;
import android.view.WindowManager;
import android.widget.TextView;
import java.util.function.Consumer;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.demo.bench.BenchWork;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.ui.Insets;
import org.sscdeploy.demo.ui.Sentences;

/**
 * Does a job without anybody touching the screen: {@code am start -W -S -n org.sscdeploy.demo/.BenchActivity --es job
 * FOLDER/job.json}. It stays visible while it works, since the system slows down what is in the background. Anyone may
 * start it, which is what it is for; it reads and writes below the app's own folder of jobs only.
 */
public final class BenchActivity extends Activity {
    private static final String EXTRA = "job";

    private final Consumer<RunState<Step, Status>> watcher = this::show;
    private AppState app;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.bench);
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        Insets.pad(findViewById(R.id.root), Insets.Sides.ALL);
        app = DemoApplication.state(this);
        // Where it is made anew, the device was turned, and the job goes on or waits for other work; or the system had
        // ended the process.
        boolean interrupted = saved != null && app.bench.state().phase() == RunState.Phase.IDLE
            && !app.runs.awaits(app.bench);
        if (saved == null || interrupted) {
            String job = getIntent().getStringExtra(EXTRA);
            app.runs.enqueue(app.bench, new BenchWork(app, getApplicationContext(), job, interrupted));
        }
    }

    @Override
    protected void onStart() {
        super.onStart();
        app.bench.watch(watcher);
    }

    @Override
    protected void onStop() {
        app.bench.forget(watcher);
        super.onStop();
    }

    private void show(RunState<Step, Status> run) {
        switch (run.phase()) {
            case DONE -> {
                boolean done = run.result().state() == Status.State.DONE;
                show(done ? R.string.bench_done : R.string.bench_failed,
                    Sentences.of(done ? run.result().line() : run.result().message()));
            }
            case FAILED, CANCELLED -> show(R.string.bench_failed, Sentences.of(run.message()));
            default -> show(R.string.bench_running, run.progress() == null ? "" : run.progress().line());
        }
        if (!run.active() && run.phase() != RunState.Phase.IDLE) {
            getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        }
    }

    private void show(int heading, String line) {
        this.<TextView>findViewById(R.id.heading).setText(heading);
        this.<TextView>findViewById(R.id.line).setText(line);
    }
}
