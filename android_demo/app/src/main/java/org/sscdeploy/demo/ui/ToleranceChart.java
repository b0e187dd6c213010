package org.sscdeploy.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import org.sscdeploy.demo.R;

/** Errors as bars against the tolerance, a dashed line; what lies outside has another colour, and a mark for its size. */
public final class ToleranceChart extends View {
    /** Tolerances up to the top of the chart; a larger error is cut off there, and says so. */
    private static final double MOST = 1.6;

    private final ChartPaints paints = new ChartPaints(getContext());
    private double[] errors = {};
    private double tolerance = 1;

    /** From a layout. */
    public ToleranceChart(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /**
     * Shows these.
     *
     * @param values of each picture; infinite where it is not finite
     * @param bound  that they should not exceed, above 0
     */
    public void show(double[] values, double bound) {
        errors = values.clone();
        tolerance = bound;
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (errors.length == 0) {
            return;
        }
        float bottom = getHeight() - paints.line() - paints.dp(4);
        float top = paints.line() + paints.dp(4);
        double scale = Math.min(MOST, Math.max(1.15, largest() / tolerance));
        float limit = (float) (bottom - (bottom - top) / scale);
        bars(canvas, bottom, top, scale);
        canvas.drawLine(0, bottom, getWidth(), bottom, paints.grid);
        canvas.drawLine(0, limit, getWidth(), limit, paints.limit);
        label(canvas, getContext().getString(R.string.tolerance_is, Figures.error(tolerance)), limit);
        axis(canvas);
    }

    private void bars(Canvas canvas, float bottom, float top, double scale) {
        float step = (float) getWidth() / errors.length;
        float gap = Math.min(paints.dp(3), step / 4);
        for (int i = 0; i < errors.length; i++) {
            boolean within = errors[i] <= tolerance;
            paints.fill.setColor(paints.colour(within ? R.color.series_1 : R.color.bad));
            boolean cut = !(errors[i] / tolerance <= scale);
            float height = (float) (cut ? bottom - top : (bottom - top) * errors[i] / tolerance / scale);
            float left = i * step + gap / 2;
            float right = (i + 1) * step - gap / 2;
            float radius = Math.min(paints.dp(2), (right - left) / 2);
            canvas.drawRoundRect(left, bottom - Math.max(height, paints.dp(1)), right, bottom, radius, radius,
                paints.fill);
            if (cut) {
                cutMark(canvas, left, right, top);
            }
        }
    }

    /** A gap across the bar near its top: it goes on. */
    private void cutMark(Canvas canvas, float left, float right, float top) {
        paints.fill.setColor(paints.colour(R.color.surface));
        for (int i = 1; i <= 2; i++) {
            float y = top + paints.dp(5) * i;
            canvas.drawRect(left, y, right, y + paints.dp(2), paints.fill);
        }
    }

    /** Above the line, on a ground of its own, so that no bar makes it unreadable. */
    private void label(Canvas canvas, String label, float limit) {
        paints.text.setTextAlign(Paint.Align.LEFT);
        float width = paints.text.measureText(label);
        float above = limit - paints.dp(5);
        paints.fill.setColor(paints.colour(R.color.surface));
        paints.fill.setAlpha(215);
        canvas.drawRect(0, above + paints.text.ascent(), width + paints.dp(4), above + paints.text.descent(),
            paints.fill);
        paints.fill.setAlpha(255);
        canvas.drawText(label, 0, above, paints.text);
    }

    private void axis(Canvas canvas) {
        float y = getHeight() - paints.text.descent();
        paints.text.setTextAlign(Paint.Align.LEFT);
        canvas.drawText(getContext().getString(R.string.picture_number, 1), 0, y, paints.text);
        if (errors.length > 1) {
            paints.text.setTextAlign(Paint.Align.RIGHT);
            canvas.drawText(Integer.toString(errors.length), getWidth(), y, paints.text);
        }
    }

    private double largest() {
        double largest = 0;
        for (double error : errors) {
            largest = Math.max(largest, error);
        }
        return largest;
    }
}
