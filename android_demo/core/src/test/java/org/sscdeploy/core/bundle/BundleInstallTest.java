package org.sscdeploy.core.bundle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.sscdeploy.core.io.SafeFiles;

public class BundleInstallTest {
    @Rule
    public final TemporaryFolder temporary = new TemporaryFolder();

    private Path target;

    @Before
    public void installAnOldBundle() throws Exception {
        target = temporary.getRoot().toPath().resolve("bundles").resolve("current");
        assertEquals("Old", install(new TestBundle("Old").zip()).manifest().name());
    }

    @Test
    public void aNewBundleTakesThePlaceOfTheOldOneAndNothingElseIsLeft() throws Exception {
        assertEquals("New", install(new TestBundle("New").zip()).manifest().name());
        assertEquals("New", Bundle.open(target).manifest().name());
        assertOnlyTheTarget();
    }

    @Test
    public void filesThatModelJsonDoesNotNameAreNotUnpacked() throws Exception {
        Map<String, byte[]> content = new TestBundle("New").content();
        content.put("__MACOSX/._model.json", new byte[9]);
        assertEquals("New", install(TestBundle.zip(content)).manifest().name());
        assertFalse(Files.exists(target.resolve("__MACOSX")));
    }

    @Test
    public void everyCutOfAnArchiveIsRefusedAndTheOldBundleStays() throws Exception {
        byte[] whole = new TestBundle("New").zip();
        for (int length = 0; length < whole.length; length += 97) {
            assertRefused("the archive is damaged or cut off", Arrays.copyOf(whole, length));
        }
        assertRefused("the archive is damaged or cut off", Arrays.copyOf(whole, whole.length - 1));
    }

    @Test
    public void noFlippedByteOfAnArchiveCostsTheOldBundleOrEscapesAsAnotherError() throws Exception {
        byte[] whole = new TestBundle("Old").zip();
        for (int at = 0; at < whole.length; at += 41) {
            byte[] changed = whole.clone();
            changed[at] ^= 0x55;
            try {
                install(changed);
            } catch (BundleException error) {
                assertTrue(error.getMessage().length() > 10);
            }
            assertEquals("Old", Bundle.open(target).manifest().name());
        }
    }

    @Test
    public void namesThatLeadOutAreRefusedBeforeAnythingIsUnpacked() throws Exception {
        for (String name : new String[] {"../evil", "golden/../../evil", "/evil", "..\\evil", "a/../b"}) {
            Map<String, byte[]> content = new TestBundle("New").content();
            content.put(name, "evil".getBytes("US-ASCII"));
            assertRefused("the archive has a file whose name leads out of it", TestBundle.zip(content));
            assertFalse(Files.exists(temporary.getRoot().toPath().resolve("evil")));
            assertFalse(Files.exists(target.getParent().resolve("evil")));
        }
    }

    @Test
    public void aBombIsStoppedAtTheSizeThatModelJsonSays() throws Exception {
        TestBundle bundle = new TestBundle("New");
        Map<String, byte[]> content = bundle.content();
        content.put("model.onnx", new byte[50_000_000]);
        byte[] bomb = TestBundle.zip(content);
        assertTrue(bomb.length < 200_000);
        assertRefused("model.onnx is larger in the archive than the 16 bytes that it may have", bomb);
    }

    @Test
    public void aBombInModelJsonItselfIsStopped() throws Exception {
        assertRefused("model.json is larger in the archive than the 8000000 bytes that it may have",
            TestBundle.zip(Collections.singletonMap("model.json", new byte[40_000_000])));
    }

    @Test
    public void anArchiveThatPromisesMoreThanADeviceHoldsIsRefused() throws Exception {
        TestBundle bundle = new TestBundle("New");
        Map<String, byte[]> content = bundle.content();
        bundle.modelJson.getAsJsonObject("files").getAsJsonObject("model.onnx").addProperty("bytes", 2_000_000_000);
        content.put("model.json", bundle.modelJson.toString().getBytes("UTF-8"));
        assertRefused("the archive is too large", TestBundle.zip(content));
    }

    @Test
    public void anEndlessStreamIsStopped() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 0;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) {
                return length;
            }
        };
        BundleException error = assertThrows(BundleException.class, () -> Bundle.install(endless, target));
        assertEquals("the archive is too large: it has more than the 520,000,000 bytes that it may have",
            error.getMessage());
        assertOldStays();
    }

    @Test
    public void anArchiveOfTooManyFilesIsRefused() throws Exception {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(archive)) {
            for (int i = 0; i < 10_002; i++) {
                zip.putNextEntry(new ZipEntry("f" + i));
            }
        }
        assertRefused("the archive has 10002 files, more than any bundle has", archive.toByteArray());
    }

    @Test
    public void aWrongHashAndAMissingFileAreNamed() throws Exception {
        Map<String, byte[]> content = new TestBundle("New").content();
        content.put("model.onnx", "not a real mOdel".getBytes("US-ASCII"));
        assertRefused("model.onnx is damaged: it has not the SHA-256 that model.json says", TestBundle.zip(content));
        content.remove("model.onnx");
        assertRefused("model.onnx is missing in the archive", TestBundle.zip(content));
    }

    @Test
    public void anArchiveThatIsNoBundleSaysHowToMakeOne() throws Exception {
        assertRefused("the archive has no model.json at its root, so it is no bundle; make one with: ssc-deploy bundle",
            TestBundle.zip(Collections.singletonMap("ssc.bundle/model.json", new byte[1])));
        assertRefused("model.json cannot be used: it is cut off",
            TestBundle.zip(Collections.singletonMap("model.json", new byte[0])));
    }

    @Test
    public void aBundleWhoseGoldenSetIsNotANumberIsNotInstalled() throws Exception {
        assertRefused("golden/outputs.npy holds NaN or infinity",
            new TestBundle("New").withOutput(0, 0, Double.NaN).zip());
    }

    @Test
    public void aStreamThatBreaksLeavesTheOldBundle() throws Exception {
        byte[] whole = new TestBundle("New").zip();
        InputStream breaking = new ByteArrayInputStream(whole) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                if (pos > 500) {
                    throw new UncheckedBreak();
                }
                return super.read(buffer, offset, Math.min(length, 100));
            }

            @Override
            public void close() { }
        };
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the provider went away");
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                try {
                    return breaking.read(buffer, offset, length);
                } catch (UncheckedBreak error) {
                    throw new IOException("the provider went away", error);
                }
            }
        };
        BundleException error = assertThrows(BundleException.class, () -> Bundle.install(broken, target));
        assertEquals("the bundle cannot be unpacked: the provider went away", error.getMessage());
        assertOldStays();
    }

    @Test
    public void anInstallationThatWasKilledBetweenItsLastStepsIsRecovered() throws Exception {
        Files.move(target, target.resolveSibling(".current.old"));
        assertEquals("Old", Bundle.open(target).manifest().name());
        Files.move(target, target.resolveSibling(".current.old"));
        assertThrows(BundleException.class, () -> install(new byte[3]));
        assertOldStays();
    }

    @Test
    public void aFirstInstallationThatFailsLeavesNothing() throws Exception {
        SafeFiles.removeTree(target);
        assertThrows(BundleException.class, () -> install(new byte[3]));
        assertEquals(0, target.getParent().toFile().list().length);
    }

    private Bundle install(byte[] archive) throws BundleException {
        return Bundle.install(new ByteArrayInputStream(archive), target);
    }

    private void assertRefused(String message, byte[] archive) {
        BundleException error = assertThrows(BundleException.class, () -> install(archive));
        assertTrue(error.getMessage(), error.getMessage().startsWith(message));
        assertOldStays();
    }

    private void assertOldStays() {
        try {
            assertEquals("Old", Bundle.open(target).manifest().name());
        } catch (BundleException error) {
            throw new AssertionError("the old bundle is lost", error);
        }
        assertOnlyTheTarget();
    }

    private void assertOnlyTheTarget() {
        assertEquals("[current]", Arrays.toString(target.getParent().toFile().list()));
    }

    /** Ends a stream in its middle. */
    private static final class UncheckedBreak extends RuntimeException {
        private static final long serialVersionUID = 1;
    }
}
