package org.sscdeploy.core.bundle;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.TooLargeException;

/** Unpacks archives that anybody may have made, and swaps folders. */
final class BundleInstaller {
    private final Path target;
    private final Path archive;
    private final Path fresh;
    private final Path old;

    BundleInstaller(Path target) {
        Path absolute = target.toAbsolutePath().normalize();
        String name = String.valueOf(absolute.getFileName());
        this.target = absolute;
        archive = absolute.resolveSibling("." + name + ".zip");
        fresh = absolute.resolveSibling("." + name + ".new");
        old = absolute.resolveSibling("." + name + ".old");
    }

    /** Puts back what an installation that was ended in its last step had moved aside. */
    void recover() throws BundleException {
        try {
            if (Files.exists(old) && !Files.exists(target)) {
                Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException error) {
            throw new BundleException("the old bundle cannot be put back: " + SafeFiles.reason(error), error);
        }
    }

    void install(InputStream zip) throws BundleException {
        recover();
        try {
            clean();
            Files.createDirectories(target.getParent());
            store(zip);
            unpack();
            BundleFiles.golden(fresh, checked());
            swap();
        } catch (ZipException | IllegalArgumentException error) {
            throw new BundleException("the archive is damaged or cut off (" + error.getMessage()
                + "); copy it again", error);
        } catch (TooLargeException error) {
            throw new BundleException("the archive is too large: " + error.getMessage(), error);
        } catch (IOException error) {
            throw new BundleException("the bundle cannot be unpacked: " + SafeFiles.reason(error), error);
        } catch (OutOfMemoryError error) {
            throw new BundleException("memory ran out while the bundle was unpacked; close other apps", error);
        } finally {
            cleanQuietly();
        }
    }

    /** Copied first: an archive's directory stands at its end, and only with it a cut-off archive is noticed. */
    private void store(InputStream zip) throws IOException {
        try (var file = Files.newOutputStream(archive)) {
            SafeFiles.copy(zip, file, BundleLimits.MOST_ARCHIVE);
        }
    }

    private void unpack() throws IOException, BundleException {
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            checkNames(zip);
            ZipEntry modelJson = zip.getEntry(Bundle.MODEL_JSON);
            if (modelJson == null) {
                throw new BundleException("the archive has no model.json at its root, so it is no bundle; make one "
                    + "with: ssc-deploy bundle");
            }
            Files.createDirectories(fresh);
            extract(zip, modelJson, fresh.resolve(Bundle.MODEL_JSON), BundleLimits.MOST_JSON);
            Map<String, FileEntry> files = BundleFiles.manifest(fresh, BundleFiles.modelJson(fresh)).files();
            checkTotal(files);
            // Only what model.json names; whatever else a program put into the archive is left there.
            for (Map.Entry<String, FileEntry> file : files.entrySet()) {
                ZipEntry entry = zip.getEntry(file.getKey());
                if (entry == null || entry.isDirectory()) {
                    throw new BundleException(file.getKey() + " is missing in the archive; copy it again");
                }
                Path path = fresh.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                extract(zip, entry, path, file.getValue().bytes());
            }
        }
    }

    private static void checkNames(ZipFile zip) throws BundleException {
        if (zip.size() > BundleLimits.MOST_FILES + 1) {
            throw new BundleException("the archive has " + zip.size() + " files, more than any bundle has");
        }
        Set<String> names = new HashSet<>();
        for (ZipEntry entry : Collections.list(zip.entries())) {
            String name = entry.getName();
            boolean up = ("/" + name.replace('\\', '/') + "/").contains("/../");
            if (up || name.startsWith("/") || name.startsWith("\\")) {
                throw new BundleException("the archive has a file whose name leads out of it ('"
                    + name.replaceAll("\\p{Cntrl}", "?") + "'), so it is not safe to unpack; get it from elsewhere");
            }
            if (!names.add(name)) {
                throw new BundleException("the archive holds '" + name + "' twice; make it again");
            }
        }
    }

    private static void checkTotal(Map<String, FileEntry> files) throws TooLargeException {
        if (files.values().stream().mapToLong(FileEntry::bytes).sum() > BundleLimits.MOST_UNPACKED) {
            throw new TooLargeException(BundleLimits.MOST_UNPACKED);
        }
    }

    /** Counts what comes out, since what an archive says of its sizes may be wrong. */
    private static void extract(ZipFile zip, ZipEntry entry, Path file, long most)
            throws IOException, BundleException {
        try (InputStream from = zip.getInputStream(entry);
                var to = new BufferedOutputStream(Files.newOutputStream(file))) {
            SafeFiles.copy(from, to, most);
        } catch (TooLargeException error) {
            throw new BundleException(entry.getName() + " is larger in the archive than the " + most
                + " bytes that it may have; get the archive from elsewhere", error);
        }
    }

    private Manifest checked() throws BundleException {
        Manifest manifest = BundleFiles.manifest(fresh, BundleFiles.modelJson(fresh));
        BundleFiles.check(fresh, manifest.files());
        return manifest;
    }

    private void swap() throws IOException {
        boolean replaces = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
        if (replaces) {
            Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException error) {
            if (replaces) {
                Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw error;
        }
    }

    private void clean() throws IOException {
        SafeFiles.removeTree(archive);
        SafeFiles.removeTree(fresh);
        if (Files.exists(target)) { // else the old one is all there is
            SafeFiles.removeTree(old);
        }
    }

    private void cleanQuietly() {
        try {
            clean();
        } catch (IOException error) {
            // The next installation removes what is left; what this one did must not be lost for it.
        }
    }
}
