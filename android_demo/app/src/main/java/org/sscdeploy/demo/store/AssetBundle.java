package org.sscdeploy.demo.store;

import android.content.Context;
import android.content.res.AssetManager;
import java.io.File;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.sscdeploy.core.io.SafeFiles;
import org.sscdeploy.core.io.Sha256;

/**
 * The bundle that came with the app, in {@code assets/bundle/}. It is handed on as a .zip, so that there is one way in
 * for all bundles. A marker keeps which one is settled: it was installed, or it was refused, and then the user installed
 * another. So an update of the app brings its new bundle once, one that is refused is tried again at each start, and
 * neither undoes what the user installed since.
 */
final class AssetBundle {
    private static final String ROOT = "bundle";
    private static final String CARD = ROOT + "/model.json";

    private final AssetManager assets;
    private final Path marker;
    private final File cache;

    AssetBundle(Context context) {
        this.assets = context.getAssets();
        this.marker = context.getFilesDir().toPath().resolve("bundle.asset");
        this.cache = context.getCacheDir();
    }

    boolean isThere() {
        return !card().isEmpty();
    }

    /** Whether it is another one than was settled last. */
    boolean isNew() {
        return isThere() && !card().equals(remembered());
    }

    /** Marks it as settled. */
    void settle() throws IOException {
        Files.write(marker, card().getBytes(StandardCharsets.UTF_8));
    }

    /** All its files as one stream; the temporary file behind it goes when the stream is closed. */
    InputStream openAsZip() throws IOException {
        File zip = File.createTempFile("assets", ".zip", cache);
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip.toPath()))) {
            out.setLevel(Deflater.NO_COMPRESSION);
            add(out, "");
        } catch (IOException | RuntimeException error) {
            Files.delete(zip.toPath());
            throw error;
        }
        return new FilterInputStream(Files.newInputStream(zip.toPath())) {
            @Override
            public void close() throws IOException {
                super.close();
                zip.delete();
            }
        };
    }

    private void add(ZipOutputStream out, String path) throws IOException {
        String[] children = assets.list(path.isEmpty() ? ROOT : ROOT + "/" + path);
        if (children == null || children.length == 0) {
            out.putNextEntry(new ZipEntry(path));
            try (InputStream in = assets.open(ROOT + "/" + path)) {
                SafeFiles.copy(in, out, Long.MAX_VALUE);
            }
            out.closeEntry();
            return;
        }
        for (String child : children) {
            add(out, path.isEmpty() ? child : path + "/" + child);
        }
    }

    /** SHA-256 of model.json, which holds those of all other files; empty where there is none. */
    private String card() {
        try (InputStream in = assets.open(CARD)) {
            return Sha256.of(SafeFiles.read(in, Long.MAX_VALUE));
        } catch (IOException error) {
            return "";
        }
    }

    private String remembered() {
        try {
            return new String(Files.readAllBytes(marker), StandardCharsets.UTF_8);
        } catch (IOException error) {
            return "";
        }
    }
}
