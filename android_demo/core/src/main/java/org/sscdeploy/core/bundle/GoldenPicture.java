package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.OptionalInt;

/** One picture of the golden set, as a PNG file. Immutable. */
public final class GoldenPicture {
    private final Path path;
    private final String file;
    private final OptionalInt label;

    GoldenPicture(Path path, String file, OptionalInt label) {
        this.path = path;
        this.file = file;
        this.label = label;
    }

    /** Where the PNG lies. */
    public Path path() {
        return path;
    }

    /** Its name in the bundle. */
    public String file() {
        return file;
    }

    /** Index of its true class, where somebody knows it. */
    public OptionalInt label() {
        return label;
    }
}
