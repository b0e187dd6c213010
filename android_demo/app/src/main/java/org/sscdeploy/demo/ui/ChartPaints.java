package org.sscdeploy.demo.ui;

import android.content.Context;
import android.graphics.DashPathEffect;
import android.graphics.Paint;
import android.graphics.Typeface;
import android.util.TypedValue;
import org.sscdeploy.demo.R;

/** Paints that the charts share; text grows with the user's font size. */
final class ChartPaints {
    final Paint text = new Paint(Paint.ANTI_ALIAS_FLAG);
    final Paint grid = new Paint();
    final Paint limit = new Paint(Paint.ANTI_ALIAS_FLAG);
    final Paint fill = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Context context;

    ChartPaints(Context context) {
        this.context = context;
        text.setColor(context.getColor(R.color.text_secondary));
        text.setTextSize(TypedValue.applyDimension(
            TypedValue.COMPLEX_UNIT_SP, 12, context.getResources().getDisplayMetrics()));
        text.setTypeface(Typeface.create("sans-serif", Typeface.NORMAL));
        text.setFontFeatureSettings("tnum");
        grid.setColor(context.getColor(R.color.outline));
        grid.setStrokeWidth(Math.max(1, dp(0.75f)));
        grid.setAlpha(140);
        limit.setColor(context.getColor(R.color.text));
        limit.setStrokeWidth(dp(1.5f));
        limit.setStyle(Paint.Style.STROKE);
        limit.setPathEffect(new DashPathEffect(new float[] {dp(6), dp(4)}, 0));
    }

    float dp(float value) {
        return value * context.getResources().getDisplayMetrics().density;
    }

    /** Height of a line of text. */
    float line() {
        return text.getFontSpacing();
    }

    int colour(int resource) {
        return context.getColor(resource);
    }
}
