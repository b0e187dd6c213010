package org.sscdeploy.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import org.sscdeploy.demo.R;

/** A horizontal bar that is filled to a share of its width. */
public final class Bar extends View {
    private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private float share;

    /** From a layout. */
    public Bar(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Fills it so far, from 0 to 1. */
    public void setShare(double value) {
        share = (float) Math.max(0, Math.min(1, value));
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        float radius = getHeight() / 2f;
        paint.setColor(getContext().getColor(R.color.surface_variant));
        canvas.drawRoundRect(0, 0, getWidth(), getHeight(), radius, radius, paint);
        if (share > 0) {
            paint.setColor(getContext().getColor(R.color.primary));
            float end = Math.max(getHeight(), share * getWidth());
            boolean mirrored = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
            float from = mirrored ? getWidth() - end : 0;
            canvas.drawRoundRect(from, 0, from + end, getHeight(), radius, radius, paint);
        }
    }
}
