package org.sscdeploy.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import java.util.Arrays;
import java.util.Locale;
import org.sscdeploy.demo.R;

/**
 * Errors as bars against the tolerance, a dashed line, on a logarithmic axis: an error is usually far below its
 * tolerance, and a wrong one may be a million times above. What lies outside has another colour; what is not finite
 * reaches the top, with a gap.
 */
public final class ToleranceChart extends View {
    /** Powers of ten below the tolerance that are always shown. */
    private static final int DECADES_BELOW = 2;

    /** Smaller errors are exact, for float32. */
    private static final double SMALLEST = 1e-12;

    private final ChartPaints paints = new ChartPaints(getContext());
    private double[] errors = {};
    private double tolerance = 1;
    private int lowest;
    private double span = 1;

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
        double least = Arrays.stream(errors).filter(error -> error > SMALLEST).min().orElse(bound);
        double most = Arrays.stream(errors).filter(Double::isFinite).max().orElse(bound);
        lowest = (int) Math.floor(Math.log10(Math.min(least, bound / Math.pow(10, DECADES_BELOW))));
        span = Math.log10(2 * Math.max(bound, most)) - lowest;
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (errors.length == 0) {
            return;
        }
        float bottom = getHeight() - paints.line() - paints.dp(4);
        float top = paints.dp(4);
        float left = paints.text.measureText("1e-00") + paints.dp(8);
        grid(canvas, left, bottom, top);
        bars(canvas, left, bottom, top);
        limit(canvas, left, at(tolerance, bottom, top));
        float y = getHeight() - paints.text.descent();
        paints.text.setTextAlign(Paint.Align.LEFT);
        canvas.drawText(getContext().getString(R.string.picture_number, 1), left, y, paints.text);
        if (errors.length > 1) {
            paints.text.setTextAlign(Paint.Align.RIGHT);
            canvas.drawText(Integer.toString(errors.length), getWidth(), y, paints.text);
        }
    }

    /** Height of an error. */
    private float at(double error, float bottom, float top) {
        double share = (Math.log10(Math.max(error, SMALLEST)) - lowest) / span;
        return (float) (bottom - (bottom - top) * Math.max(0, Math.min(1, share)));
    }

    private void grid(Canvas canvas, float left, float bottom, float top) {
        paints.text.setTextAlign(Paint.Align.RIGHT);
        // Where there are many powers of ten, not each fits.
        int step = Math.max(1, (int) Math.ceil(2 * span * paints.line() / (bottom - top)));
        for (int power = lowest; power - lowest <= span; power += step) {
            float y = at(Math.pow(10, power), bottom, top);
            canvas.drawLine(left, y, getWidth(), y, paints.grid);
            canvas.drawText(String.format(Locale.ROOT, "1e%+03d", power), left - paints.dp(8),
                y - paints.text.ascent() / 2 - paints.text.descent() / 2, paints.text);
        }
    }

    private void bars(Canvas canvas, float left, float bottom, float top) {
        float step = (getWidth() - left) / errors.length;
        float gap = Math.min(paints.dp(4), step / 3);
        for (int i = 0; i < errors.length; i++) {
            paints.fill.setColor(paints.colour(errors[i] <= tolerance ? R.color.series_1 : R.color.bad));
            boolean finite = Double.isFinite(errors[i]);
            float from = left + i * step + gap / 2;
            float to = left + (i + 1) * step - gap / 2;
            float height = finite ? at(errors[i], bottom, top) : top;
            float radius = Math.min(paints.dp(2), (to - from) / 2);
            canvas.drawRoundRect(from, Math.min(height, bottom - paints.dp(1)), to, bottom, radius, radius, paints.fill);
            if (!finite) {
                paints.fill.setColor(paints.colour(R.color.surface));
                canvas.drawRect(from, top + paints.dp(8), to, top + paints.dp(11), paints.fill);
            }
        }
    }

    /** The line, and what it is on a ground of its own, so that no bar makes it unreadable. */
    private void limit(Canvas canvas, float left, float y) {
        canvas.drawLine(left, y, getWidth(), y, paints.limit);
        String label = getContext().getString(R.string.tolerance_is, Figures.error(tolerance));
        paints.text.setTextAlign(Paint.Align.RIGHT);
        float below = y + paints.line();
        paints.fill.setColor(paints.colour(R.color.surface));
        paints.fill.setAlpha(225);
        canvas.drawRect(getWidth() - paints.text.measureText(label) - paints.dp(6), y + paints.dp(2), getWidth(),
            below + paints.text.descent(), paints.fill);
        paints.fill.setAlpha(255);
        canvas.drawText(label, getWidth() - paints.dp(2), below, paints.text);
    }
}
