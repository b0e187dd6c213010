package org.sscdeploy.demo.store;

import android.content.Context;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;

/**
 * Where {@code adb push} leaves a bundle: {@code bundles/incoming.zip} in the app's folder of the shared storage, which
 * no permission is needed for. What was installed is deleted; what was refused is kept as {@code refused.zip}, so that
 * it is not tried at every start.
 */
final class BundleInbox {
    private final File folder;
    private volatile long seen = -1; // written by the thread for work, read by the main one

    BundleInbox(Context context) {
        this.folder = context.getExternalFilesDir("bundles");
    }

    /** Path of the file; empty where there is no shared storage. */
    String path() {
        return folder == null ? "" : file().getPath();
    }

    /** Whether a file is there that was not tried yet. */
    boolean holdsNews() {
        return folder != null && file().isFile() && file().lastModified() != seen;
    }

    InputStream open() throws IOException {
        seen = file().lastModified();
        return Files.newInputStream(file().toPath());
    }

    /** Takes the file out of the way; where adb left it unremovable, it is known by its time. */
    void done(boolean installed) {
        if (installed) {
            file().delete();
        } else {
            file().renameTo(new File(folder, "refused.zip"));
        }
    }

    private File file() {
        return new File(folder, "incoming.zip");
    }
}
