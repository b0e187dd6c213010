package org.sscdeploy.demo.classify;

import android.annotation.SuppressLint;
import android.graphics.ImageFormat;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.media.ImageReader;
import android.os.Handler;
import android.os.Looper;
import android.view.Surface;
import java.util.List;
import java.util.function.Consumer;

/**
 * The camera from opening to closing: shows its live picture and takes one. All on the main thread; the camera itself
 * works in another process.
 */
final class CameraSession {
    private final CameraChoice choice;
    private final Consumer<byte[]> taken;
    private final Runnable failed;
    private final Handler main = new Handler(Looper.getMainLooper());
    private final ImageReader reader;
    private Surface preview;
    private CameraDevice device;
    private CameraCaptureSession session;
    private boolean closed;

    /**
     * Opens nothing yet.
     *
     * @param taken  hears a picture: a JPEG
     * @param failed hears that the camera can no longer be used
     */
    CameraSession(CameraChoice choice, Consumer<byte[]> taken, Runnable failed) {
        this.choice = choice;
        this.taken = taken;
        this.failed = failed;
        reader = ImageReader.newInstance(
            choice.picture().getWidth(), choice.picture().getHeight(), ImageFormat.JPEG, 1);
        reader.setOnImageAvailableListener(source -> received(), main);
    }

    /** Opens the camera and shows its picture there; whoever calls has the permission. */
    @SuppressLint("MissingPermission")
    void open(CameraManager manager, SurfaceTexture texture) {
        texture.setDefaultBufferSize(choice.preview().getWidth(), choice.preview().getHeight());
        preview = new Surface(texture);
        try {
            manager.openCamera(choice.id(), new CameraDevice.StateCallback() {
                @Override
                public void onOpened(CameraDevice opened) {
                    begin(opened);
                }

                @Override
                public void onDisconnected(CameraDevice lost) {
                    fail();
                }

                @Override
                public void onError(CameraDevice broken, int error) {
                    fail();
                }
            }, main);
        } catch (CameraAccessException | SecurityException | IllegalArgumentException error) {
            fail();
        }
    }

    // What replaces it needs Android 9.
    @SuppressWarnings("deprecation")
    private void begin(CameraDevice opened) {
        if (closed) {
            opened.close();
            return;
        }
        device = opened;
        try {
            device.createCaptureSession(List.of(preview, reader.getSurface()), new CameraCaptureSession.StateCallback() {
                @Override
                public void onConfigured(CameraCaptureSession configured) {
                    show(configured);
                }

                @Override
                public void onConfigureFailed(CameraCaptureSession refused) {
                    fail();
                }
            }, main);
        } catch (CameraAccessException | IllegalStateException | IllegalArgumentException error) {
            fail();
        }
    }

    private void show(CameraCaptureSession configured) {
        if (closed) {
            return;
        }
        session = configured;
        try {
            session.setRepeatingRequest(request(CameraDevice.TEMPLATE_PREVIEW, preview).build(), null, main);
        } catch (CameraAccessException | IllegalStateException | IllegalArgumentException error) {
            fail();
        }
    }

    /** Takes a picture where the display is turned so far. */
    void take(int displayDegrees) {
        if (session == null) {
            return; // not open yet; the user presses again
        }
        try {
            CaptureRequest.Builder request = request(CameraDevice.TEMPLATE_STILL_CAPTURE, reader.getSurface());
            request.set(CaptureRequest.JPEG_ORIENTATION, choice.jpegDegrees(displayDegrees));
            session.capture(request.build(), null, main);
        } catch (CameraAccessException | IllegalStateException | IllegalArgumentException error) {
            fail();
        }
    }

    private CaptureRequest.Builder request(int template, Surface target) throws CameraAccessException {
        CaptureRequest.Builder request = device.createCaptureRequest(template);
        request.addTarget(target);
        request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE);
        return request;
    }

    private void received() {
        try (var image = reader.acquireNextImage()) {
            if (image != null && !closed) {
                var buffer = image.getPlanes()[0].getBuffer();
                byte[] jpeg = new byte[buffer.remaining()];
                buffer.get(jpeg);
                taken.accept(jpeg);
            }
        }
    }

    private void fail() {
        if (!closed) {
            close();
            failed.run();
        }
    }

    /** Gives the camera back; closing again does nothing. */
    void close() {
        closed = true;
        if (session != null) {
            session.close();
            session = null;
        }
        if (device != null) {
            device.close();
            device = null;
        }
        reader.close();
        if (preview != null) {
            preview.release();
            preview = null;
        }
    }
}
