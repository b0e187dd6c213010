package org.sscdeploy.core.bundle;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sscdeploy.core.io.Sha256;

/** A network with all that a device needs to run it and to check it, in a folder. Immutable; all of it was checked. */
public final class Bundle {

    /** Version of model.json; a bundle of another one is refused. */
    public static final int SCHEMA_VERSION = 1;

    static final String MODEL_JSON = "model.json";

    private final Path folder;
    private final String sha256;
    private final Manifest manifest;

    private Bundle(Path folder, byte[] modelJson) throws BundleException {
        this.folder = folder;
        this.sha256 = Sha256.of(modelJson);
        this.manifest = BundleFiles.manifest(folder, modelJson);
    }

    /**
     * Opens a bundle, and checks every file of it against its hash.
     *
     * @throws BundleException it is damaged, unsafe, of another schema version, or contradicts itself
     */
    public static Bundle open(Path folder) throws BundleException {
        new BundleInstaller(folder).recover();
        Bundle bundle = new Bundle(folder, BundleFiles.modelJson(folder));
        BundleFiles.check(folder, bundle.manifest.files());
        bundle.golden();
        return bundle;
    }

    /**
     * Unpacks a bundle and puts it in the place of another one. It is unpacked beside the target, checked, and only
     * then swapped in: on any failure what was there stays.
     *
     * @param zip    the archive with model.json at its root; read to its end, not closed
     * @param target the bundle's folder afterwards; there may be an older one, or none
     * @throws BundleException the archive is damaged, unsafe, too large, or no bundle, or cannot be written
     */
    public static Bundle install(InputStream zip, Path target) throws BundleException {
        new BundleInstaller(target).install(zip);
        return new Bundle(target, BundleFiles.modelJson(target)); // all else was checked before it was put there
    }

    /** How far the golden outputs may be from the reference, over all pictures together. */
    public Tolerance tolerance() {
        return manifest.golden().tolerance();
    }

    /** What model.json says of it. */
    public Manifest manifest() {
        return manifest;
    }

    /** SHA-256 of model.json, which holds those of all other files. */
    public String sha256() {
        return sha256;
    }

    /** The first model of a format, {@code "onnx"} or {@code "tflite"}. */
    public Optional<ModelEntry> model(String format) {
        return manifest.models().stream().filter(model -> model.format().equals(format)).findFirst();
    }

    /**
     * Reads the golden arrays into memory, anew each time.
     *
     * @throws BundleException the files changed since the bundle was opened
     */
    public GoldenSet golden() throws BundleException {
        BundleFiles.check(folder, goldenFiles());
        return BundleFiles.golden(folder, manifest);
    }

    private Map<String, FileEntry> goldenFiles() {
        Map<String, FileEntry> golden = new LinkedHashMap<>(manifest.files());
        golden.keySet().retainAll(
            List.of(manifest.golden().pixels(), manifest.golden().inputs(), manifest.golden().outputs()));
        return golden;
    }
}
