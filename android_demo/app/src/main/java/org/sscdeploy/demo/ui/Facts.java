package org.sscdeploy.demo.ui;

import android.view.LayoutInflater;
import android.view.ViewGroup;
import android.widget.TextView;
import org.sscdeploy.demo.R;

/** Rows of a name and a value. */
public final class Facts {
    private final ViewGroup rows;

    /** Fills this list anew. */
    public Facts(ViewGroup rows) {
        this.rows = rows;
        clear();
    }

    /** Takes all rows away. */
    public Facts clear() {
        rows.removeAllViews();
        return this;
    }

    /** Adds a row. */
    public Facts add(int name, CharSequence value) {
        return add(rows.getContext().getString(name), value);
    }

    /** Adds a row whose value is a hash, in letters of one width. */
    public Facts addHash(CharSequence name, String hash) {
        add(name, hash);
        TextView value = rows.getChildAt(rows.getChildCount() - 1).findViewById(R.id.value);
        value.setTextAppearance(R.style.Text_Hash);
        return this;
    }

    /** Adds a row; a value that is not known is left out. */
    public Facts add(CharSequence name, CharSequence value) {
        if (value.length() > 0) {
            var row = LayoutInflater.from(rows.getContext()).inflate(R.layout.fact, rows, false);
            row.<TextView>findViewById(R.id.name).setText(name);
            row.<TextView>findViewById(R.id.value).setText(value);
            row.setContentDescription(name + ": " + value);
            rows.addView(row);
        }
        return this;
    }
}
