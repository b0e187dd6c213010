package org.sscdeploy.demo.profile;

import android.content.Context;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sscdeploy.core.bench.BenchResult;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.device.ThermalState;
import org.sscdeploy.demo.ui.Facts;
import org.sscdeploy.demo.ui.Figures;
import org.sscdeploy.demo.ui.LatencyPlot;
import org.sscdeploy.demo.ui.LatencySeries;
import org.sscdeploy.demo.ui.Sentences;

/** The second column of the Profile screen: the plot, the percentiles, the thermal state. */
final class ProfileFigures {
    private final View root;
    private final Context context;
    private final String device;

    ProfileFigures(View root, String device) {
        this.root = root;
        this.context = root.getContext();
        this.device = device;
    }

    /** Shows what there is; either may be null. */
    void show(ProfileProgress progress, ProfileReport report) {
        root.findViewById(R.id.live).setVisibility(progress == null ? View.GONE : View.VISIBLE);
        root.findViewById(R.id.results).setVisibility(progress == null ? View.GONE : View.VISIBLE);
        root.findViewById(R.id.share).setVisibility(report == null ? View.GONE : View.VISIBLE);
        root.findViewById(R.id.thermal).setVisibility(report == null ? View.GONE : View.VISIBLE);
        if (progress != null) {
            showPlot(progress);
            showRows(progress, report);
        }
        if (report != null) {
            showThermal(report);
        }
    }

    private void showPlot(ProfileProgress progress) {
        root.<TextView>findViewById(R.id.device).setText(context.getString(R.string.measured_on, device));
        LatencyPlot plot = root.findViewById(R.id.plot);
        plot.show(progress.series(), progress.turns());
        plot.setContentDescription(context.getString(R.string.plot_described, progress.series().stream()
            .filter(one -> !one.points().isEmpty())
            .map(one -> one.name() + " " + Figures.milliseconds(last(one)))
            .collect(Collectors.joining(", "))));
    }

    private static double last(LatencySeries series) {
        return series.points().get(series.points().size() - 1).median();
    }

    private void showRows(ProfileProgress progress, ProfileReport report) {
        ViewGroup rows = root.findViewById(R.id.rows);
        rows.removeAllViews();
        for (int i = 0; i < progress.series().size(); i++) {
            View row = LayoutInflater.from(context).inflate(R.layout.measurement, rows, false);
            row.findViewById(R.id.swatch).setBackgroundColor(context.getColor(LatencyPlot.colourOf(i)));
            row.<TextView>findViewById(R.id.name).setText(progress.series().get(i).name());
            if (report == null) {
                showSoFar(row, progress.series().get(i));
            } else {
                showEntry(row, report.entries().get(i));
            }
            rows.addView(row);
        }
    }

    private void showSoFar(View row, LatencySeries series) {
        boolean none = series.points().isEmpty();
        row.<TextView>findViewById(R.id.p50).setText(none ? "" : Figures.milliseconds(last(series)));
        row.<TextView>findViewById(R.id.percentile_line).setText(none ? context.getString(R.string.waiting)
            : context.getString(R.string.last_turn, series.points().size()));
    }

    private void showEntry(View row, BenchResult entry) {
        TextView p50 = row.findViewById(R.id.p50);
        TextView line = row.findViewById(R.id.percentile_line);
        TextView remark = row.findViewById(R.id.remark);
        String why = entry.failure().map(error -> Sentences.of(error.getMessage())).orElse("");
        if (entry.stats().isPresent()) {
            var stats = entry.stats().get();
            p50.setText(Figures.milliseconds(stats.p50()));
            line.setText(context.getString(R.string.percentile_line,
                Figures.milliseconds(stats.p50Interval().low()), Figures.milliseconds(stats.p50Interval().high()),
                Figures.milliseconds(stats.p90()), Figures.milliseconds(stats.p95()),
                Figures.milliseconds(stats.p99()), stats.runs()));
            why = Sentences.of(String.join("; ", stats.unsteady()));
        } else {
            p50.setText(R.string.no_figure);
            line.setVisibility(View.GONE);
        }
        remark.setText(why);
        remark.setVisibility(why.isEmpty() ? View.GONE : View.VISIBLE);
    }

    private void showThermal(ProfileReport report) {
        Facts facts = new Facts(root.findViewById(R.id.thermal_facts));
        facts.add(R.string.before, described(report.before()));
        facts.add(R.string.at_worst, described(report.hottest()));
        facts.add(R.string.after, described(report.after()));
    }

    private String described(ThermalState state) {
        String name = context.getString(state.name());
        return state.batteryCelsius().isPresent() ? context.getString(R.string.thermal_with_battery, name,
            String.format(Locale.ROOT, "%.1f", state.batteryCelsius().getAsDouble())) : name;
    }
}
