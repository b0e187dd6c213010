package org.sscdeploy.demo.bench;

import android.content.Context;
import java.nio.file.Path;
import org.sscdeploy.core.job.JobException;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.demo.AppState;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.device.BootClocks;
import org.sscdeploy.demo.run.Control;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.run.Work;

/** Does the job of a folder; all that others read of it is written by the core. */
public final class BenchWork implements Work<Step, Status> {
    private final AppState app;
    private final Context context;
    private final String given;
    private final boolean interrupted;

    /**
     * The job of a path.
     *
     * @param path        as it was given; null where none was
     * @param interrupted whether it was begun by a process that is gone, so that all that is left is to say so
     */
    public BenchWork(AppState app, Context context, String path, boolean interrupted) {
        this.app = app;
        this.context = context.getApplicationContext();
        this.given = path;
        this.interrupted = interrupted;
    }

    @Override
    public Status run(Control<Step> control) throws Exception {
        if (given == null || given.isEmpty()) {
            throw new JobException(context.getString(R.string.bench_no_job));
        }
        Path jobs = context.getFilesDir().toPath().resolve("jobs");
        Path job = JobPath.below(given, jobs).orElseThrow(
            () -> new JobException(context.getString(R.string.bench_outside, given, jobs)));
        JobRunner runner = new JobRunner(app.engines.all(), app.device, new BootClocks());
        return interrupted ? runner.interrupted(job) : runner.execute(
            job, (line, done, total) -> control.publish(new Step(line, done, total)), control);
    }
}
