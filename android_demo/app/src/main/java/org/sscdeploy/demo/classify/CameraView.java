package org.sscdeploy.demo.classify;

import android.content.Context;
import android.graphics.Matrix;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.util.Size;
import android.view.Surface;
import android.view.TextureView;

/** The camera's live picture, whole and upright however the device is held. */
public final class CameraView extends TextureView {
    private Size frame;

    /** From a layout. */
    public CameraView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Shows frames of that size, as the camera delivers them: wider than high. */
    public void setFrame(Size size) {
        frame = size;
        fit();
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        super.onLayout(changed, left, top, right, bottom);
        fit();
    }

    /**
     * The system stretches a frame, turned upright for the device's natural position, over the whole view. This undoes
     * the stretching, and turns it for the position in which the device is held.
     */
    private void fit() {
        if (frame == null || getDisplay() == null || getWidth() == 0) {
            return;
        }
        int rotation = getDisplay().getRotation();
        boolean sideways = rotation == Surface.ROTATION_90 || rotation == Surface.ROTATION_270;
        RectF view = new RectF(0, 0, getWidth(), getHeight());
        RectF upright = new RectF(0, 0, frame.getHeight(), frame.getWidth());
        upright.offset(view.centerX() - upright.centerX(), view.centerY() - upright.centerY());
        Matrix matrix = new Matrix();
        matrix.setRectToRect(view, upright, Matrix.ScaleToFit.FILL);
        float shownWidth = sideways ? frame.getWidth() : frame.getHeight();
        float shownHeight = sideways ? frame.getHeight() : frame.getWidth();
        float scale = Math.min(view.width() / shownWidth, view.height() / shownHeight);
        matrix.postScale(scale, scale, view.centerX(), view.centerY());
        int degrees = rotation == Surface.ROTATION_90 ? -90 : rotation == Surface.ROTATION_270 ? 90
            : rotation == Surface.ROTATION_180 ? 180 : 0;
        matrix.postRotate(degrees, view.centerX(), view.centerY());
        setTransform(matrix);
    }
}
