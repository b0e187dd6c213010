package org.sscdeploy.demo.ui;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.os.Handler;
import android.os.Looper;
import android.widget.ImageView;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Decodes small pictures away from the main thread. */
public final class Thumbnails {
    private final Handler main = new Handler(Looper.getMainLooper());
    private final Executor worker = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "ssc-thumbnails");
        thread.setDaemon(true);
        return thread;
    });

    /** Shows the picture of that file as soon as it is decoded; one that cannot be is left out. */
    public void show(Path file, ImageView view) {
        worker.execute(() -> {
            BitmapFactory.Options options = new BitmapFactory.Options();
            options.inScaled = false;
            Bitmap bitmap = BitmapFactory.decodeFile(file.toString(), options);
            main.post(() -> view.setImageBitmap(bitmap));
        });
    }
}
