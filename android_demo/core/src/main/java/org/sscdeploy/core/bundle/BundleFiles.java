package org.sscdeploy.core.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.Sha256;
import org.sscdeploy.core.json.JsonException;
import org.sscdeploy.core.json.StrictJson;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.NpyException;

/** The files of a bundle, against what model.json says of them. */
final class BundleFiles {
    private BundleFiles() { }

    /** model.json of a folder, with its hash. */
    static byte[] modelJson(Path folder) throws BundleException {
        Path file = folder.resolve(Bundle.MODEL_JSON);
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new BundleException("there is no model.json, so this is no bundle; make one with: ssc-deploy bundle");
        }
        try {
            return SafeFiles.read(file, BundleLimits.MOST_JSON);
        } catch (IOException error) {
            throw new BundleException("model.json cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    static Manifest manifest(Path folder, byte[] modelJson) throws BundleException {
        try {
            return new ManifestReader(folder).read(StrictJson.parse(modelJson));
        } catch (JsonException error) {
            throw new BundleException("model.json cannot be used: " + error.getMessage(), error);
        }
    }

    /** Size and hash of every file. */
    static void check(Path folder, Map<String, FileEntry> files) throws BundleException {
        for (Map.Entry<String, FileEntry> entry : files.entrySet()) {
            check(folder, entry.getKey(), entry.getValue());
        }
    }

    private static void check(Path folder, String name, FileEntry said) throws BundleException {
        Path file = folder.resolve(name);
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    || !file.toRealPath().startsWith(folder.toRealPath())) {
                throw new BundleException(name + " is missing in the bundle; copy the bundle again");
            }
            if (Files.size(file) != said.bytes()) {
                throw new BundleException(name + " is damaged: it has " + Files.size(file) + " bytes, and model.json "
                    + "says " + said.bytes() + "; copy the bundle again");
            }
            if (!Sha256.of(file).equals(said.sha256())) {
                throw new BundleException(
                    name + " is damaged: it has not the SHA-256 that model.json says; copy the bundle again");
            }
        } catch (IOException error) {
            throw new BundleException(name + " cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    /** The golden arrays, of the shapes that the network has, and all finite. */
    static GoldenSet golden(Path folder, Manifest manifest) throws BundleException {
        GoldenInfo golden = manifest.golden();
        Preprocessing wanted = manifest.preprocessing();
        int channels = wanted.colour().channels();
        int[] chw = {channels, wanted.height(), wanted.width()};
        try {
            byte[] pixels = array(folder, golden.pixels(), golden.count(), chw[1], chw[2], channels).bytes();
            float[] inputs = array(folder, golden.inputs(), golden.count(), chw[0], chw[1], chw[2]).floats();
            double[] outputs = array(folder, golden.outputs(), golden.count(), manifest.labels().size()).doubles();
            for (float value : inputs) {
                finite(value, golden.inputs());
            }
            for (double value : outputs) {
                finite(value, golden.outputs());
            }
            return new GoldenSet(golden.count(), chw, pixels, inputs, outputs);
        } catch (NpyException error) {
            throw new BundleException("the golden set cannot be used: an array " + error.getMessage(), error);
        } catch (OutOfMemoryError error) {
            throw new BundleException("memory ran out while the golden set was read; close other apps", error);
        }
    }

    private static NpyArray array(Path folder, String name, int... shape) throws BundleException {
        try {
            NpyArray array = Npy.read(folder.resolve(name), BundleLimits.MOST_ARRAY);
            if (!Arrays.equals(array.shape(), shape)) {
                throw new BundleException(name + " has the shape " + Arrays.toString(array.shape())
                    + ", and the network asks for " + Arrays.toString(shape) + "; make the bundle again");
            }
            return array;
        } catch (NpyException error) {
            throw new BundleException(name + " " + error.getMessage() + "; make the bundle again", error);
        } catch (IOException error) {
            throw new BundleException(name + " cannot be read: " + SafeFiles.reason(error), error);
        }
    }

    private static void finite(double value, String name) throws BundleException {
        if (!Double.isFinite(value)) {
            throw new BundleException(name + " holds NaN or infinity, so nothing can be compared with it; "
                + "make the bundle again");
        }
    }
}
