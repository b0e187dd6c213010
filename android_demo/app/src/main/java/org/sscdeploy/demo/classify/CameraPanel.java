package org.sscdeploy.demo.classify;

import android.Manifest;
import android.app.Activity;
import android.content.pm.PackageManager;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraManager;
import android.view.Surface;
import android.view.TextureView;
import android.view.View;
import java.util.Optional;
import java.util.function.Consumer;
import org.sscdeploy.demo.R;

/** The camera on the screen: asks for the permission, shows the live picture, says why there is none. */
final class CameraPanel {
    private final Activity activity;
    private final CameraView view;
    private final Consumer<byte[]> taken;
    private final Consumer<String> problem;
    private CameraSession session;

    /**
     * Nothing is opened yet.
     *
     * @param view    for the live picture; shown while the camera is open
     * @param problem hears why there is no picture, a sentence
     */
    CameraPanel(Activity activity, CameraView view, Consumer<byte[]> taken, Consumer<String> problem) {
        this.activity = activity;
        this.view = view;
        this.taken = taken;
        this.problem = problem;
    }

    boolean isOpen() {
        return session != null;
    }

    /** Opens the camera, after asking for the permission where it is missing. */
    void open(int permissionRequest) {
        if (!activity.getPackageManager().hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)) {
            problem.accept(activity.getString(R.string.no_camera));
        } else if (activity.checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) {
            activity.requestPermissions(new String[] {Manifest.permission.CAMERA}, permissionRequest);
        } else {
            begin();
        }
    }

    /** The user answered. */
    void onPermission(boolean granted) {
        if (granted) {
            begin();
        } else {
            problem.accept(activity.getString(R.string.camera_refused));
        }
    }

    private void begin() {
        CameraManager manager = activity.getSystemService(CameraManager.class);
        Optional<CameraChoice> choice;
        try {
            choice = CameraChoice.best(manager);
        } catch (CameraAccessException | RuntimeException error) { // some devices throw what they do not document
            problem.accept(activity.getString(R.string.camera_failed));
            return;
        }
        if (!choice.isPresent()) {
            problem.accept(activity.getString(R.string.no_camera));
            return;
        }
        CameraSession opened = new CameraSession(choice.get(), jpeg -> {
            close();
            taken.accept(jpeg);
        }, () -> {
            close();
            problem.accept(activity.getString(R.string.camera_failed));
        });
        session = opened;
        view.setVisibility(View.VISIBLE);
        view.setFrame(choice.get().preview());
        whenAvailable(texture -> {
            if (session == opened) {
                opened.open(manager, texture);
            }
        });
    }

    private void whenAvailable(Consumer<SurfaceTexture> ready) {
        view.setSurfaceTextureListener(new TextureView.SurfaceTextureListener() {
            @Override
            public void onSurfaceTextureAvailable(SurfaceTexture texture, int width, int height) {
                ready.accept(texture);
            }

            @Override
            public void onSurfaceTextureSizeChanged(SurfaceTexture texture, int width, int height) { }

            @Override
            public boolean onSurfaceTextureDestroyed(SurfaceTexture texture) {
                return true;
            }

            @Override
            public void onSurfaceTextureUpdated(SurfaceTexture texture) { }
        });
        if (view.isAvailable()) {
            ready.accept(view.getSurfaceTexture());
        }
    }

    /** Takes a picture, if the camera is open. */
    void take() {
        if (session != null) {
            int rotation = view.getDisplay() == null ? Surface.ROTATION_0 : view.getDisplay().getRotation();
            session.take(90 * rotation); // ROTATION_90 is 1, and so on
        }
    }

    /** Gives the camera back, if it is open. */
    void close() {
        if (session != null) {
            session.close();
            session = null;
            view.setVisibility(View.GONE);
        }
    }
}
