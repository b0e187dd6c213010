package org.sscdeploy.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.widget.ImageView;
import android.widget.LinearLayout;
import android.widget.TextView;
import org.sscdeploy.demo.R;

/** A sentence that the user should see, with its weight in colour and sign; TalkBack reads it when it appears. */
public final class Notice extends LinearLayout {
    /** How much a notice matters. */
    public enum Weight {
        /** All is well. */
        GOOD(R.drawable.notice_good, R.drawable.ic_good, R.color.good),
        /** Something is wrong. */
        BAD(R.drawable.notice_bad, R.drawable.ic_bad, R.color.bad),
        /** Something is not as it could be. */
        WARNING(R.drawable.notice_warning, R.drawable.ic_warning, R.color.warning),
        /** Something to know. */
        NOTE(R.drawable.notice_plain, R.drawable.ic_note, R.color.text_secondary);

        private final int background;
        private final int icon;
        private final int colour;

        Weight(int background, int icon, int colour) {
            this.background = background;
            this.icon = icon;
            this.colour = colour;
        }
    }

    private final ImageView icon;
    private final TextView heading;
    private final TextView text;

    /** From a layout. */
    public Notice(Context context, AttributeSet attributes) {
        super(context, attributes);
        setOrientation(HORIZONTAL);
        inflate(context, R.layout.notice, this);
        icon = findViewById(R.id.notice_icon);
        heading = findViewById(R.id.notice_heading);
        text = findViewById(R.id.notice_text);
    }

    /** Shows a sentence. */
    public void show(Weight weight, CharSequence sentence) {
        show(weight, "", sentence);
    }

    /** Shows a heading, and a sentence below it; either may be empty. */
    public void show(Weight weight, CharSequence title, CharSequence sentence) {
        setBackgroundResource(weight.background);
        icon.setImageResource(weight.icon);
        icon.setColorFilter(getContext().getColor(weight.colour));
        heading.setText(title);
        heading.setTextColor(getContext().getColor(weight.colour));
        heading.setVisibility(title.length() == 0 ? GONE : VISIBLE);
        text.setText(sentence);
        text.setVisibility(sentence.length() == 0 ? GONE : VISIBLE);
        setVisibility(VISIBLE);
    }

    /** Shows nothing, and takes no room. */
    public void hide() {
        setVisibility(GONE);
    }

    /** What it says, heading and sentence; empty while it is hidden. */
    public String shown() {
        return getVisibility() == VISIBLE ? (heading.getText() + " " + text.getText()).trim() : "";
    }
}
