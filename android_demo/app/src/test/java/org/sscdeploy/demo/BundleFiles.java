package org.sscdeploy.demo;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.sscdeploy.core.npy.Npy;
import org.sscdeploy.core.npy.NpyArray;
import org.sscdeploy.core.npy.NpyException;
import org.sscdeploy.core.npy.Npz;

/** Real bundles as files: whole ones, and ones that were changed with the hashes put right. */
final class BundleFiles {
    private static final long MOST_BYTES = 100_000_000;

    private BundleFiles() { }

    /** The bundle that the APK of the tests carries in its assets, with both models and its blocks' values. */
    static Path whole() {
        String bundle = System.getProperty("ssc.carried");
        if (bundle == null) {
            throw new IllegalStateException("set ssc.carried to the bundle in the assets of the tests");
        }
        return Paths.get(bundle);
    }

    static void copy(Path from, Path to) throws IOException {
        for (Path file : files(from)) {
            Path target = to.resolve(from.relativize(file).toString());
            Files.createDirectories(target.getParent());
            Files.copy(file, target);
        }
    }

    /** A copy whose file was changed, with the old hash. */
    static Path withWrongHash(String file) throws IOException {
        Path copy = Phone.temporary().resolve("wrong.bundle");
        copy(whole(), copy);
        byte[] bytes = Files.readAllBytes(copy.resolve(file));
        bytes[bytes.length - 1] ^= 1;
        Files.write(copy.resolve(file), bytes);
        return copy;
    }

    /** A copy whose file was changed, with the right hash. */
    static Path with(String file, byte[] bytes) throws IOException {
        Path copy = Phone.temporary().resolve("changed.bundle");
        copy(whole(), copy);
        Files.write(copy.resolve(file), bytes);
        edit(copy, card -> {
            JsonObject entry = card.getAsJsonObject("files").getAsJsonObject(file);
            entry.addProperty("sha256", sha256(bytes));
            entry.addProperty("bytes", bytes.length);
        });
        return copy;
    }

    /** Changes model.json in place. */
    static void edit(Path bundle, Consumer<JsonObject> change) throws IOException {
        Path file = bundle.resolve("model.json");
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        JsonObject card = JsonParser.parseString(text).getAsJsonObject();
        change.accept(card);
        Files.write(file, card.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** A bundle whose expected outputs of one picture are off, far beyond the tolerance. */
    static Path withWrongOutput(int picture) throws IOException, NpyException {
        NpyArray outputs = Npy.read(whole().resolve("golden/outputs.npy"), MOST_BYTES);
        double[] values = outputs.doubles();
        values[picture * outputs.shape()[1]] += 0.01;
        return with("golden/outputs.npy", Npy.format(NpyArray.of(values, outputs.shape())));
    }

    /** A debug bundle whose expected output of one block is off, far beyond its tolerance. */
    static Path withWrongBlock(int block) throws IOException, NpyException {
        Map<String, NpyArray> blocks = new LinkedHashMap<>(Npz.read(whole().resolve("debug/blocks.npz"), MOST_BYTES));
        NpyArray wrong = blocks.get("block." + block);
        double[] values = wrong.doubles();
        values[0] += 10;
        blocks.put("block." + block, NpyArray.of(values, wrong.shape()));
        return with("debug/blocks.npz", Npz.format(blocks));
    }

    static Path zip(Path bundle) throws IOException {
        Path zip = Phone.temporary().resolve("bundle.zip");
        zip(bundle, "", zip);
        return zip;
    }

    /** Its files in an archive, each below a prefix. */
    static void zip(Path bundle, String prefix, Path zip) throws IOException {
        try (OutputStream file = Files.newOutputStream(zip); ZipOutputStream out = new ZipOutputStream(file)) {
            for (Path path : files(bundle)) {
                out.putNextEntry(new ZipEntry(prefix + bundle.relativize(path).toString()));
                Files.copy(path, out);
                out.closeEntry();
            }
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(Files::isRegularFile).sorted().collect(Collectors.toList());
        }
    }

    static String sha256(byte[] bytes) {
        try {
            return String.format("%064x", new BigInteger(1, MessageDigest.getInstance("SHA-256").digest(bytes)));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }
}
