package org.sscdeploy.demo;

import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Looper;
import android.view.View;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/** What the screen shows, as a PNG file in the folder of {@code ssc.screenshots}. */
final class Screenshot {
    private Screenshot() { }

    /** Writes the file and gives the picture. */
    static Bitmap take(Activity activity, String name) {
        shadowOf(Looper.getMainLooper()).idle(); // what was changed is laid out
        View window = activity.getWindow().getDecorView();
        Bitmap bitmap = Bitmap.createBitmap(window.getWidth(), window.getHeight(), Bitmap.Config.ARGB_8888);
        window.draw(new Canvas(bitmap));
        String folder = System.getProperty("ssc.screenshots");
        if (folder == null) {
            throw new IllegalStateException("set ssc.screenshots to the folder for screenshots");
        }
        try {
            Path file = Paths.get(folder).resolve(name + ".png");
            Files.createDirectories(file.getParent());
            try (OutputStream out = Files.newOutputStream(file)) {
                bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
            }
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        return bitmap;
    }
}
