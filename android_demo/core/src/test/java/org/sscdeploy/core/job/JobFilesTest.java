package org.sscdeploy.core.job;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import java.nio.file.Path;
import java.util.Collections;
import org.junit.Test;
import org.sscdeploy.core.Samples;
import org.sscdeploy.core.TestFolders;

public class JobFilesTest {

    @Test
    public void jobsAreReadAsTheirSchemaHasThem() throws Exception {
        Samples.assertReads("job", Job::parse);
    }

    @Test
    public void statusesAreReadAsTheirSchemaHasThem() throws Exception {
        Samples.assertReads("status", Status::parse);
    }

    @Test
    public void whatIsReadIsWrittenAgainAsValid() throws Exception {
        for (Path sample : valid("job")) {
            String once = Jobs.json(Job.parse(TestFolders.text(sample)));
            assertWritten("job", once);
            assertEquals(once, Jobs.json(Job.parse(once)));
        }
        for (Path sample : valid("result")) {
            String once = Results.parse(TestFolders.text(sample)).toJson();
            assertWritten("result", once);
            assertEquals(once, Results.parse(once).toJson());
        }
        for (Path sample : valid("status")) {
            String once = Status.parse(TestFolders.text(sample)).toJson();
            assertWritten("status", once);
            assertEquals(once, Status.parse(once).toJson());
        }
    }

    @Test
    public void anotherSchemaVersionIsRefusedWithWhatToDo() {
        JobException error = assertThrows(JobException.class, () -> Job.parse("{\"schema_version\": 2}"));
        assertEquals("job.json cannot be used: it is of schema version 2, this app of 1; use the app and ssc-deploy of "
            + "the same version", error.getMessage());
    }

    private static Iterable<Path> valid(String name) throws Exception {
        return TestFolders.in(TestFolders.samples().resolve(name).resolve("valid"));
    }

    private static void assertWritten(String name, String json) throws Exception {
        assertEquals(json, Collections.emptyList(), Samples.violations(name, json));
    }
}
