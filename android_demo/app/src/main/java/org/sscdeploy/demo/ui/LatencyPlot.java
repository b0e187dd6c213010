package org.sscdeploy.demo.ui;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Path;
import android.util.AttributeSet;
import android.view.View;
import java.util.ArrayList;
import java.util.List;
import org.sscdeploy.demo.R;

/**
 * Latency turn by turn, while it is measured: each turn's median as a dot, and what nine of ten runs took as a line
 * through it. The axis begins at 0, so that heights can be compared.
 */
public final class LatencyPlot extends View {
    private static final int[] COLOURS = {
        R.color.series_1, R.color.series_2, R.color.series_3, R.color.series_4, R.color.series_5, R.color.series_6,
    };

    private final ChartPaints paints = new ChartPaints(getContext());
    private final Paint stroke = new Paint(Paint.ANTI_ALIAS_FLAG);
    private List<LatencySeries> series = new ArrayList<>();
    private int turns = 1;

    /** From a layout. */
    public LatencyPlot(Context context, AttributeSet attributes) {
        super(context, attributes);
        stroke.setStyle(Paint.Style.STROKE);
        stroke.setStrokeJoin(Paint.Join.ROUND);
        stroke.setStrokeCap(Paint.Cap.ROUND);
    }

    /** Colour of a series, a resource. */
    public static int colourOf(int index) {
        return COLOURS[index % COLOURS.length];
    }

    /**
     * Shows these.
     *
     * @param shown    what was measured so far
     * @param expected turns of each series in the end
     */
    public void show(List<LatencySeries> shown, int expected) {
        series = new ArrayList<>(shown);
        turns = Math.max(2, expected);
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        double top = NiceScale.above(largest());
        double step = NiceScale.step(top);
        float left = paints.text.measureText(Figures.mark(top, step)) + paints.dp(8);
        float high = 1.7f * paints.line();
        float low = getHeight() - paints.line() - paints.dp(6);
        paints.text.setTextAlign(Paint.Align.LEFT);
        canvas.drawText(getContext().getString(R.string.milliseconds), 0, -paints.text.ascent(), paints.text);
        paints.text.setTextAlign(Paint.Align.RIGHT);
        for (int i = 0; i * step <= top * 1.001; i++) {
            float y = (float) (low - (low - high) * i * step / top);
            canvas.drawLine(left, y, getWidth(), y, paints.grid);
            canvas.drawText(Figures.mark(i * step, step), left - paints.dp(8),
                y - paints.text.ascent() / 2 - paints.text.descent() / 2, paints.text);
        }
        float y = getHeight() - paints.text.descent();
        canvas.drawText(Integer.toString(turns), getWidth(), y, paints.text);
        paints.text.setTextAlign(Paint.Align.LEFT);
        canvas.drawText(getContext().getString(R.string.turn_number, 1), left, y, paints.text);
        for (int i = 0; i < series.size(); i++) {
            draw(canvas, series.get(i), i, left + paints.dp(6), low, (low - high) / top);
        }
    }

    private void draw(Canvas canvas, LatencySeries one, int index, float left, float low, double scale) {
        int colour = paints.colour(colourOf(index));
        float step = (getWidth() - paints.dp(6) - left) / (turns - 1);
        // Series of the same turn stand beside each other instead of on top.
        float shift = paints.dp(2.5f) * (index - (series.size() - 1) / 2f);
        Path path = new Path();
        stroke.setColor(colour);
        stroke.setStrokeWidth(paints.dp(2));
        for (int i = 0; i < one.points().size(); i++) {
            LatencySeries.Point point = one.points().get(i);
            float x = left + step * i + shift;
            float y = (float) (low - scale * point.median());
            stroke.setAlpha(110);
            canvas.drawLine(x, (float) (low - scale * point.low()), x, (float) (low - scale * point.high()), stroke);
            paints.fill.setColor(colour);
            canvas.drawCircle(x, y, paints.dp(3), paints.fill);
            if (i == 0) {
                path.moveTo(x, y);
            } else {
                path.lineTo(x, y);
            }
        }
        stroke.setAlpha(255);
        stroke.setStrokeWidth(paints.dp(1.25f));
        canvas.drawPath(path, stroke);
    }

    private double largest() {
        double largest = 0;
        for (LatencySeries one : series) {
            for (LatencySeries.Point point : one.points()) {
                largest = Math.max(largest, point.high());
            }
        }
        return largest;
    }
}
