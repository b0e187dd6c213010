package org.sscdeploy.demo.classify;

import android.graphics.ImageFormat;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.util.Size;
import java.util.Optional;

/** Which camera takes the picture, and how large. */
record CameraChoice(String id, boolean front, int sensorDegrees, Size preview, Size picture) {
    /** Networks take far smaller pictures; larger ones would only be slower. */
    private static final int ENOUGH = 720;

    /**
     * The camera at the back, else any.
     *
     * @return empty where the device has none
     */
    static Optional<CameraChoice> best(CameraManager manager) throws CameraAccessException {
        CameraChoice found = null;
        for (String id : manager.getCameraIdList()) {
            CameraCharacteristics camera = manager.getCameraCharacteristics(id);
            var streams = camera.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
            if (streams == null || streams.getOutputSizes(ImageFormat.JPEG) == null) {
                continue; // a depth camera
            }
            Integer facing = camera.get(CameraCharacteristics.LENS_FACING);
            boolean front = facing != null && facing == CameraCharacteristics.LENS_FACING_FRONT;
            Integer degrees = camera.get(CameraCharacteristics.SENSOR_ORIENTATION);
            if (found == null || found.front && !front) {
                found = new CameraChoice(id, front, degrees == null ? 0 : degrees,
                    smallestEnough(streams.getOutputSizes(SurfaceTexture.class)),
                    smallestEnough(streams.getOutputSizes(ImageFormat.JPEG)));
            }
        }
        return Optional.ofNullable(found);
    }

    private static Size smallestEnough(Size[] sizes) {
        Size best = sizes[0];
        for (Size size : sizes) {
            boolean enough = shorter(size) >= ENOUGH;
            boolean bestEnough = shorter(best) >= ENOUGH;
            boolean better = enough == bestEnough ? enough == area(size) < area(best) : enough;
            best = better ? size : best;
        }
        return best;
    }

    private static int shorter(Size size) {
        return Math.min(size.getWidth(), size.getHeight());
    }

    private static long area(Size size) {
        return (long) size.getWidth() * size.getHeight();
    }

    /** By how many degrees, clockwise, a picture is to be turned where the display is turned so far. */
    int jpegDegrees(int displayDegrees) {
        return (sensorDegrees + (front ? displayDegrees : 360 - displayDegrees)) % 360;
    }
}
