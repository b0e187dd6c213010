package org.sscdeploy.demo.bench;

import android.content.Context;
import org.sscdeploy.core.job.JobException;
import org.sscdeploy.core.job.JobRunner;
import org.sscdeploy.core.job.Status;
import org.sscdeploy.demo.AppState;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.device.BootClocks;
import org.sscdeploy.demo.run.Control;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.run.Work;

/**
 * Does the job of a folder; all that others read of it is written by the core.
 *
 * @param context     of the process
 * @param path        of the job, as it was given; null where none was
 * @param interrupted whether it was begun by a process that is gone, so that all that is left is to say so
 */
public record BenchWork(AppState app, Context context, String path, boolean interrupted)
        implements Work<Step, Status> {
    @Override
    public Status run(Control<Step> control) throws Exception {
        if (path == null || path.isEmpty()) {
            throw new JobException(context.getString(R.string.bench_no_job));
        }
        var jobs = context.getFilesDir().toPath().resolve("jobs");
        var job = JobPath.below(path, jobs).orElseThrow(
            () -> new JobException(context.getString(R.string.bench_outside, path, jobs)));
        JobRunner runner = new JobRunner(app.engines.all(), app.device, new BootClocks());
        return interrupted ? runner.interrupted(job) : runner.execute(
            job, (line, done, total) -> control.publish(new Step(line, done, total)), control);
    }
}
