package org.sscdeploy.core.bundle;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A network with all that a device needs to run it and to check it, in a folder. Immutable; all of it was checked. */
public final class Bundle {

    private Bundle() { }

    /**
     * Opens a bundle, and checks every file of it against its hash.
     *
     * @param folder that holds model.json
     * @throws BundleException it is damaged, unsafe, of another schema version, or contradicts itself
     */
    public static Bundle open(Path folder) throws BundleException {
        throw new UnsupportedOperationException();
    }

    /**
     * Unpacks a bundle and puts it in the place of another one. It is unpacked beside the target, checked, and only
     * then swapped in: on any failure what was there stays.
     *
     * @param zip    the archive with model.json at its root; read to its end, not closed
     * @param target the bundle's folder afterwards; there may be an older one, or none
     * @return the bundle, opened
     * @throws BundleException the archive is damaged, unsafe, too large, or no bundle, or cannot be written
     */
    public static Bundle install(InputStream zip, Path target) throws BundleException {
        throw new UnsupportedOperationException();
    }

    /** Where it lies. */
    public Path folder() {
        throw new UnsupportedOperationException();
    }

    /** Name of the network. */
    public String name() {
        throw new UnsupportedOperationException();
    }

    /** SHA-256 of the checkpoint; empty for random weights. */
    public String sourceSha256() {
        throw new UnsupportedOperationException();
    }

    /** SHA-256 of model.json, which holds those of all other files. */
    public String sha256() {
        throw new UnsupportedOperationException();
    }

    /** Versions of the packages that made it. */
    public Map<String, String> madeBy() {
        throw new UnsupportedOperationException();
    }

    /** The model files, at least one. */
    public List<ModelEntry> models() {
        throw new UnsupportedOperationException();
    }

    /** The first model of a format, {@code "onnx"} or {@code "tflite"}. */
    public Optional<ModelEntry> model(String format) {
        throw new UnsupportedOperationException();
    }

    /** How a picture becomes the input. */
    public Preprocessing preprocessing() {
        throw new UnsupportedOperationException();
    }

    /** Of the classes, one an output. */
    public List<String> labels() {
        throw new UnsupportedOperationException();
    }

    /** The golden pictures as files. */
    public List<GoldenPicture> pictures() {
        throw new UnsupportedOperationException();
    }

    /** How far the golden outputs may be from the reference, over all pictures together. */
    public Tolerance tolerance() {
        throw new UnsupportedOperationException();
    }

    /** What a debug bundle holds besides. */
    public Optional<DebugInfo> debug() {
        throw new UnsupportedOperationException();
    }

    /** What model.json says of every other file, by its path in the bundle. */
    public Map<String, FileEntry> files() {
        throw new UnsupportedOperationException();
    }

    /**
     * Reads the golden arrays into memory, anew each time.
     *
     * @throws BundleException the files changed since the bundle was opened
     */
    public GoldenSet golden() throws BundleException {
        throw new UnsupportedOperationException();
    }
}
