package org.sscdeploy.demo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Optional;

/** The path of a job, checked: whoever starts the Activity must not make the app read or write anywhere else. */
final class JobPath {
    private JobPath() { }

    /**
     * The job's file, if it lies below the folder of jobs, whatever links lead there.
     *
     * <p>The folders are compared as files and not by name: Android mounts the app's folder in two places.
     *
     * @param path as it was given
     */
    static Optional<Path> below(String path, Path jobs) {
        try {
            Path file = Paths.get(path).toRealPath();
            for (Path folder = file.getParent(); folder != null; folder = folder.getParent()) {
                if (Files.isSameFile(folder, jobs)) {
                    return Files.isRegularFile(file) ? Optional.of(file) : Optional.empty();
                }
            }
        } catch (IOException | RuntimeException error) { // not there, no path at all, or not for this app
            return Optional.empty();
        }
        return Optional.empty();
    }
}
