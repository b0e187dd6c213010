package org.sscdeploy.demo.bench;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Where a job may lie. */
public class JobPathTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private Path jobs;
    private Path job;

    @Before
    public void files() throws Exception {
        jobs = temporary.newFolder("files", "jobs").toPath();
        job = Files.createDirectories(jobs.resolve("one")).resolve("job.json");
        Files.write(job, new byte[] {'{', '}'});
    }

    @Test
    public void aFileBelowTheFolderIsTaken() throws Exception {
        assertEquals(Optional.of(job.toRealPath()), JobPath.below(job.toString(), jobs));
        assertEquals(Optional.of(job.toRealPath()), JobPath.below(jobs + "/one/../one/./job.json", jobs));
    }

    @Test
    public void theSameFolderByAnotherNameIsTaken() throws Exception {
        Path mounted = Files.createSymbolicLink(temporary.getRoot().toPath().resolve("mounted"), jobs.getParent());
        assertEquals(Optional.of(job.toRealPath()), JobPath.below(mounted + "/jobs/one/job.json", jobs));
    }

    @Test
    public void whatLeadsOutIsNot() throws Exception {
        Path other = temporary.newFile("job.json").toPath();
        assertFalse(JobPath.below(other.toString(), jobs).isPresent());
        assertFalse(JobPath.below(jobs + "/one/../../../job.json", jobs).isPresent());
        Path link = Files.createSymbolicLink(jobs.resolve("one/link.json"), other);
        assertFalse(JobPath.below(link.toString(), jobs).isPresent());
    }

    @Test
    public void whatIsNoFileIsNot() {
        assertFalse(JobPath.below(jobs.resolve("one").toString(), jobs).isPresent());
        assertFalse(JobPath.below(jobs.resolve("missing").toString(), jobs).isPresent());
        assertFalse(JobPath.below("\0", jobs).isPresent());
    }
}
