package org.sscdeploy.core.job;

import java.nio.file.Path;
import java.util.List;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.bench.Clocks;
import org.sscdeploy.core.engine.Engine;

/**
 * Does the job of a folder and leaves result.json and status.json there, as
 * {@code ssc_deploy/profiling/targets/app_contract.py} says.
 */
public final class JobRunner {

    /**
     * What it needs.
     *
     * @param engines that may run models; a model that none takes fails with {@code no runtime}
     * @param device  that it runs on
     * @param clocks  to time with
     */
    public JobRunner(List<Engine> engines, Device device, Clocks clocks) {
        throw new UnsupportedOperationException();
    }

    /**
     * Does a job from job.json to the status {@code done} or {@code failed}. status.json is replaced in one step each
     * time, and never written before the job's nonce was read; {@code done} is said after result.json is there.
     *
     * @param jobFile      FOLDER/job.json
     * @param listener     hears of it, besides status.json
     * @param cancellation asked between inferences; a cancelled job's status is {@code failed}
     * @return the last status
     * @throws JobException not even the nonce could be read, or status.json could not be written
     */
    public Status execute(Path jobFile, BenchListener listener, Cancellation cancellation) throws JobException {
        throw new UnsupportedOperationException();
    }

    /**
     * Does a job that was read, and writes nothing but the outputs files that it asks for.
     *
     * @param folder       that holds the job's files
     * @param job          the job
     * @param listener     hears of it
     * @param cancellation asked between inferences
     * @throws JobException       a file is missing, damaged or unsafe, or the job asks for what an app cannot do
     * @throws CancelledException it was cancelled
     */
    public Result run(Path folder, Job job, BenchListener listener, Cancellation cancellation)
            throws JobException, CancelledException {
        throw new UnsupportedOperationException();
    }
}
