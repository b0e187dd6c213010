package org.sscdeploy.demo.ui;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.os.Handler;
import android.os.Looper;
import android.widget.ImageView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.sscdeploy.demo.classify.PictureReader;

/** Decodes small pictures away from the main thread. */
public final class Thumbnails {
    /** Pixels of the longer side; a bundle may be of anybody, and hold pictures that no memory has room for. */
    static final int MOST_SIDE = 512;

    private final Handler main = new Handler(Looper.getMainLooper());
    private final Executor worker = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "ssc-thumbnails");
        thread.setDaemon(true);
        return thread;
    });

    /** Shows the picture of that file as soon as it is decoded; one that cannot be is left out. */
    public void show(Path file, ImageView view) {
        worker.execute(() -> {
            Bitmap bitmap = decoded(file);
            main.post(() -> view.setImageBitmap(bitmap));
        });
    }

    private static Bitmap decoded(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            BitmapFactory.Options options = PictureReader.measured(bytes);
            while (Math.max(options.outWidth, options.outHeight) / options.inSampleSize > MOST_SIDE) {
                options.inSampleSize *= 2;
            }
            return BitmapFactory.decodeByteArray(bytes, 0, bytes.length, options);
        } catch (IOException | OutOfMemoryError error) {
            return null; // another bundle took its place meanwhile, or the file alone is too large
        }
    }
}
