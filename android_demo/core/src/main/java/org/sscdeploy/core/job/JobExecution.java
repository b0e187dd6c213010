package org.sscdeploy.core.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.sscdeploy.core.Cancellation;
import org.sscdeploy.core.CancelledException;
import org.sscdeploy.core.Progress;
import org.sscdeploy.core.bench.BenchListener;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;

/** One job on its way from job.json to its last status. */
final class JobExecution {
    private static final int MOST_JSON = 8_000_000;

    private final JobRunner runner;
    private final Path jobFile;
    private final Path folder;

    JobExecution(JobRunner runner, Path jobFile) {
        this.runner = runner;
        this.jobFile = jobFile.toAbsolutePath();
        folder = this.jobFile.getParent();
    }

    Status execute(Progress progress, Cancellation cancellation) throws JobException {
        String text = text();
        String nonce = nonce(text);
        try {
            Job job = Job.parse(text);
            say(new Status(nonce, Status.State.RUNNING, "checking the files", "", ""));
            Result result = runner.run(folder, job, told(nonce, progress), cancellation);
            byte[] json = result.toJson().getBytes(StandardCharsets.UTF_8);
            write("result.json", json);
            return say(new Status(nonce, Status.State.DONE, "done", "", Sha256.of(json)));
        } catch (JobException | CancelledException error) {
            return say(failed(nonce, error.getMessage()));
        } catch (StatusNotWritten error) {
            throw (JobException) error.getCause();
        } catch (OutOfMemoryError error) {
            return say(failed(nonce, "memory ran out; close other apps, or measure fewer models at once"));
        } catch (RuntimeException | LinkageError error) {
            // Whoever waits reads status.json only: a job that ended must not be told to go on.
            return say(failed(nonce, "the app fails: " + error));
        }
    }

    Status interrupted() throws JobException {
        String nonce = nonce(text());
        Optional<Status> last = last().filter(
            status -> status.nonce().equals(nonce) && status.state() != Status.State.RUNNING);
        return last.isPresent() ? last.get() : say(failed(nonce,
            "the system ended the app before the job was done; keep its screen on and other apps closed, and run it "
                + "again"));
    }

    /** What status.json says; empty where there is none that can be read. */
    private Optional<Status> last() {
        try {
            return Optional.of(Status.parse(StrictJson.text(SafeFiles.read(folder.resolve("status.json"), MOST_JSON))));
        } catch (IOException | JsonException | JobException error) {
            return Optional.empty();
        }
    }

    private String text() throws JobException {
        try {
            return StrictJson.text(SafeFiles.read(jobFile, MOST_JSON));
        } catch (JsonException error) {
            throw new JobException("job.json cannot be used: " + error.getMessage() + "; copy it again", error);
        } catch (IOException error) {
            throw new JobException("job.json cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    /** Read before all else: what is wrong with the rest can then be said in status.json. */
    private static String nonce(String text) throws JobException {
        try {
            var json = StrictJson.parse(text);
            return Fields.nonce(json);
        } catch (JsonException error) {
            throw new JobException("job.json cannot be used: " + error.getMessage(), error);
        }
    }

    private static Status failed(String nonce, String message) {
        return new Status(nonce, Status.State.FAILED, "", message, "");
    }

    private Status say(Status status) throws JobException {
        write("status.json", status.toJson().getBytes(StandardCharsets.UTF_8));
        return status;
    }

    private void write(String name, byte[] content) throws JobException {
        try {
            SafeFiles.replace(folder.resolve(name), content);
        } catch (IOException error) {
            throw new JobException(name + " cannot be written: " + SafeFiles.reason(error), error);
        }
    }

    /** Carries a {@link JobException} through a listener, which throws none. */
    private static final class StatusNotWritten extends RuntimeException {
        private static final long serialVersionUID = 1;

        StatusNotWritten(JobException cause) {
            super(cause);
        }
    }

    /** Keeps status.json up to date, too. */
    private BenchListener told(String nonce, Progress progress) {
        return (line, done, total) -> {
            try {
                say(new Status(nonce, Status.State.RUNNING, line, "", ""));
            } catch (JobException error) {
                throw new StatusNotWritten(error);
            }
            progress.report(line, done, total);
        };
    }
}
