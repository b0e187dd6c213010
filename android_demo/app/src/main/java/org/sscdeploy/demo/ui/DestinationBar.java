package org.sscdeploy.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.Gravity;
import android.view.LayoutInflater;
import android.widget.ImageView;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.util.function.Consumer;
import org.sscdeploy.demo.Destination;
import org.sscdeploy.demo.R;

/** The way to the four screens: a bar below them, or a rail beside them where the window is wide. */
public final class DestinationBar extends LinearLayout {
    private Consumer<Destination> listener = destination -> { };

    /** From a layout. */
    public DestinationBar(Context context, AttributeSet attributes) {
        super(context, attributes);
        boolean rail = getOrientation() == VERTICAL;
        setGravity(rail ? Gravity.CENTER_VERTICAL : Gravity.CENTER);
        for (Destination destination : Destination.values()) {
            var item = LayoutInflater.from(context).inflate(R.layout.destination, this, false);
            item.<ImageView>findViewById(R.id.icon).setImageResource(destination.icon);
            item.<TextView>findViewById(R.id.label).setText(destination.title);
            item.setTag(destination);
            item.setOnClickListener(view -> listener.accept(destination));
            int width = rail ? getResources().getDimensionPixelSize(R.dimen.rail_width) : 0;
            addView(item, new LayoutParams(width, LayoutParams.WRAP_CONTENT, rail ? 0 : 1));
        }
    }

    /** Whether it stands beside the screens instead of below them. */
    public boolean isRail() {
        return getOrientation() == VERTICAL;
    }

    /** Hears where the user wants to go. */
    public void onChosen(Consumer<Destination> heard) {
        listener = heard;
    }

    /** Marks where the user is. */
    public void mark(Destination current) {
        for (int i = 0; i < getChildCount(); i++) {
            var item = getChildAt(i);
            item.setSelected(item.getTag() == current);
        }
    }
}
