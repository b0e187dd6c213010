package org.sscdeploy.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.ViewGroup;
import org.sscdeploy.demo.R;

/** Puts its children side by side, and begins another row where one does not fit: with large fonts nothing is cut off. */
public class Wrapping extends ViewGroup {
    private final int gap;

    /** From a layout. */
    public Wrapping(Context context, AttributeSet attributes) {
        super(context, attributes);
        var values = context.obtainStyledAttributes(attributes, R.styleable.Wrapping);
        gap = values.getDimensionPixelSize(
            R.styleable.Wrapping_gap, getResources().getDimensionPixelSize(R.dimen.space));
        values.recycle();
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        int available = MeasureSpec.getMode(widthSpec) == MeasureSpec.UNSPECIFIED
            ? Integer.MAX_VALUE : MeasureSpec.getSize(widthSpec);
        for (int i = 0; i < getChildCount(); i++) {
            var child = getChildAt(i);
            child.measure(
                MeasureSpec.makeMeasureSpec(available, MeasureSpec.AT_MOST), MeasureSpec.makeMeasureSpec(0, 0));
        }
        int[] size = flow(available, false);
        setMeasuredDimension(resolveSize(size[0], widthSpec), resolveSize(size[1], heightSpec));
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        flow(right - left, true);
    }

    /** Width and height that the rows take; puts the children there on request. */
    private int[] flow(int available, boolean place) {
        boolean mirrored = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
        int x = 0;
        int y = 0;
        int rowHeight = 0;
        int widest = 0;
        for (int i = 0; i < getChildCount(); i++) {
            var child = getChildAt(i);
            if (child.getVisibility() == GONE) {
                continue;
            }
            int width = child.getMeasuredWidth();
            if (x > 0 && x + width > available) {
                x = 0;
                y += rowHeight + gap;
                rowHeight = 0;
            }
            if (place) {
                int from = mirrored ? available - x - width : x;
                child.layout(from, y, from + width, y + child.getMeasuredHeight());
            }
            widest = Math.max(widest, x + width);
            rowHeight = Math.max(rowHeight, child.getMeasuredHeight());
            x += width + gap;
        }
        return new int[] {widest, y + rowHeight};
    }

    @Override
    protected LayoutParams generateDefaultLayoutParams() {
        return new LayoutParams(LayoutParams.WRAP_CONTENT, LayoutParams.WRAP_CONTENT);
    }
}
