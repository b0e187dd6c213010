package org.sscdeploy.demo.ui;

import android.graphics.Rect;
import android.os.Build;
import android.view.View;
import android.view.WindowInsets;

/**
 * Keeps what is drawn clear of the system's bars and of the display's cutout: from Android 15 on every window reaches
 * to the edges of the screen.
 */
public final class Insets {
    /** Which sides of a view touch the edge of the window. */
    public record Sides(boolean left, boolean top, boolean right, boolean bottom) {
        /** All of them. */
        public static final Sides ALL = new Sides(true, true, true, true);
        /** All but the bottom. */
        public static final Sides NOT_BOTTOM = new Sides(true, true, true, false);
        /** All but the left. */
        public static final Sides NOT_LEFT = new Sides(false, true, true, true);
        /** All but the right. */
        public static final Sides NOT_RIGHT = new Sides(true, true, false, true);
        /** All but the top. */
        public static final Sides NOT_TOP = new Sides(true, false, true, true);
    }

    private Insets() { }

    /** Adds to the view's own padding what the system covers on these sides. */
    public static void pad(View view, Sides sides) {
        Rect own = new Rect(
            view.getPaddingLeft(), view.getPaddingTop(), view.getPaddingRight(), view.getPaddingBottom());
        view.setOnApplyWindowInsetsListener((target, insets) -> {
            Rect covered = covered(insets);
            target.setPadding(
                own.left + (sides.left ? covered.left : 0),
                own.top + (sides.top ? covered.top : 0),
                own.right + (sides.right ? covered.right : 0),
                own.bottom + (sides.bottom ? covered.bottom : 0));
            return insets;
        });
        view.requestApplyInsets();
    }

    // Before Android 11 there is no other way to ask.
    @SuppressWarnings("deprecation")
    private static Rect covered(WindowInsets insets) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            android.graphics.Insets bars =
                insets.getInsets(WindowInsets.Type.systemBars() | WindowInsets.Type.displayCutout());
            return new Rect(bars.left, bars.top, bars.right, bars.bottom);
        }
        return new Rect(
            insets.getSystemWindowInsetLeft(),
            insets.getSystemWindowInsetTop(),
            insets.getSystemWindowInsetRight(),
            insets.getSystemWindowInsetBottom());
    }
}
