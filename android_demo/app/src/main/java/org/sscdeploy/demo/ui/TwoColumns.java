package org.sscdeploy.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.ViewGroup;
import org.sscdeploy.demo.R;

/** Two children: side by side where the view is wide enough, else one below the other. */
public final class TwoColumns extends ViewGroup {
    private final int splitAt;
    private final int gap;

    /** From a layout. */
    public TwoColumns(Context context, AttributeSet attributes) {
        super(context, attributes);
        var values = context.obtainStyledAttributes(attributes, R.styleable.TwoColumns);
        splitAt = values.getDimensionPixelSize(R.styleable.TwoColumns_splitAt, Integer.MAX_VALUE);
        gap = values.getDimensionPixelSize(R.styleable.TwoColumns_gap, 0);
        values.recycle();
    }

    @Override
    protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        boolean split = splits(width);
        int column = MeasureSpec.makeMeasureSpec(split ? (width - gap) / 2 : width, MeasureSpec.EXACTLY);
        int height = 0;
        for (int i = 0; i < getChildCount(); i++) {
            var child = getChildAt(i);
            child.measure(column, MeasureSpec.makeMeasureSpec(0, MeasureSpec.UNSPECIFIED));
            int own = child.getMeasuredHeight();
            height = split ? Math.max(height, own) : height + own;
        }
        setMeasuredDimension(width, resolveSize(height, heightSpec));
    }

    @Override
    protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        int width = right - left;
        boolean split = splits(width);
        boolean mirrored = getLayoutDirection() == LAYOUT_DIRECTION_RTL;
        int y = 0;
        for (int i = 0; i < getChildCount(); i++) {
            var child = getChildAt(i);
            boolean farSide = split && (i == 1) != mirrored;
            int x = farSide ? width - child.getMeasuredWidth() : 0;
            child.layout(x, y, x + child.getMeasuredWidth(), y + child.getMeasuredHeight());
            y += split ? 0 : child.getMeasuredHeight();
        }
    }

    private boolean splits(int width) {
        return width >= splitAt;
    }
}
