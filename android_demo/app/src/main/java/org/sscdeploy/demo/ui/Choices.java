package org.sscdeploy.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.widget.CheckBox;
import android.widget.CompoundButton;
import android.widget.RadioButton;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.sscdeploy.demo.R;

/** A few values to choose one or several of, side by side; at least one is always chosen. */
public final class Choices extends Wrapping {
    private final Map<String, CompoundButton> buttons = new LinkedHashMap<>();
    private Consumer<Set<String>> listener = chosen -> { };
    private boolean several;
    private boolean quiet;

    /** From a layout. */
    public Choices(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /**
     * Says what there is to choose.
     *
     * @param labels what is shown of each value, by the value
     * @param many   whether several can be chosen
     * @param heard  hears what is chosen when the user changes it
     */
    public void offer(Map<String, String> labels, boolean many, Consumer<Set<String>> heard) {
        removeAllViews();
        buttons.clear();
        several = many;
        listener = heard;
        labels.forEach((value, label) -> {
            CompoundButton button = many
                ? new CheckBox(getContext(), null, 0, R.style.Choice)
                : new RadioButton(getContext(), null, 0, R.style.Choice);
            button.setText(label);
            button.setTag(value);
            button.setOnCheckedChangeListener((view, checked) -> changed(value, checked));
            buttons.put(value, button);
            addView(button);
        });
    }

    /** Chooses these; the listener does not hear of it. */
    public void choose(Set<String> values) {
        quiet = true;
        buttons.forEach((value, button) -> button.setChecked(values.contains(value)));
        quiet = false;
    }

    /** What is chosen, in the order in which it is offered. */
    public Set<String> chosen() {
        Set<String> values = new LinkedHashSet<>();
        buttons.forEach((value, button) -> {
            if (button.isChecked()) {
                values.add(value);
            }
        });
        return values;
    }

    @Override
    public void setEnabled(boolean enabled) {
        super.setEnabled(enabled);
        buttons.values().forEach(button -> button.setEnabled(enabled));
    }

    private void changed(String value, boolean checked) {
        if (quiet) {
            return;
        }
        if (!several && checked) {
            choose(Set.of(value));
        }
        if (chosen().isEmpty()) {
            choose(Set.of(value));
        }
        listener.accept(chosen());
    }
}
