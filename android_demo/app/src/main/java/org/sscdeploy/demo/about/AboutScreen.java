package org.sscdeploy.demo.about;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.TextView;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.FileEntry;
import org.sscdeploy.core.bundle.ModelEntry;
import org.sscdeploy.core.bundle.Preprocessing;
import org.sscdeploy.core.engine.TensorSpec;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.Requests;
import org.sscdeploy.demo.Screen;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.ui.Facts;
import org.sscdeploy.demo.ui.Figures;
import org.sscdeploy.demo.ui.Notice;

/** The bundle with its hashes, the device and the runtimes; the way in for another bundle. */
public final class AboutScreen extends Screen {
    private static final long LARGE_PAGE = 16384;

    /** Labels, and files, that are listed; a network may have a thousand classes, a bundle ten thousand files. */
    private static final int MOST_LISTED = 100;

    private final ViewGroup first = find(R.id.first);
    private final ViewGroup second = find(R.id.second);
    private final Facts runtimes;

    /** Makes the views. */
    public AboutScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.about, 0, R.layout.about_second);
        this.<Button>find(R.id.open_bundle).setOnClickListener(view -> openBundle());
        showDevice(new Facts(section(second, R.string.this_device)));
        runtimes = new Facts(section(second, R.string.runtimes));
        watch(app.runtimeVersions, this::showRuntimes);
    }

    private void openBundle() {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("*/*") // file managers disagree on the type of a .zip
            .putExtra(Intent.EXTRA_MIME_TYPES, new String[] {"application/zip", "application/octet-stream"});
        try {
            activity.startActivityForResult(intent, Requests.BUNDLE);
        } catch (ActivityNotFoundException error) {
            this.<Notice>find(R.id.notice).show(Notice.Weight.WARNING, text(R.string.no_picker));
        }
    }

    @Override
    public void onResult(int request, Intent data) {
        if (request == Requests.BUNDLE && data.getData() != null) {
            app.bundles.install(data.getData());
        }
    }

    @Override
    protected void show(Bundle bundle) {
        first.removeAllViews();
        if (bundle != null) {
            showNetwork(bundle, new Facts(section(first, R.string.bundle)));
            showFiles(bundle, new Facts(section(first, R.string.files)));
        }
    }

    private ViewGroup section(ViewGroup column, int heading) {
        View section = LayoutInflater.from(activity).inflate(R.layout.section, column, false);
        section.<TextView>findViewById(R.id.heading).setText(heading);
        column.addView(section);
        return section.findViewById(R.id.facts);
    }

    private void showNetwork(Bundle bundle, Facts facts) {
        facts.add(R.string.network, bundle.manifest().name());
        if (bundle.manifest().sourceSha256().isEmpty()) {
            facts.add(R.string.checkpoint, text(R.string.random_weights));
        } else {
            facts.addHash(text(R.string.checkpoint), bundle.manifest().sourceSha256());
        }
        for (ModelEntry model : bundle.manifest().models()) {
            facts.add(model.file(), text(R.string.model_detail, model.layout(), shape(model.input()),
                shape(model.output()), joined(model.lowering()), joined(model.runtimes())));
        }
        Preprocessing preprocessing = bundle.manifest().preprocessing();
        facts.add(R.string.preprocessing, text(R.string.preprocessing_detail,
            preprocessing.width(), preprocessing.height(), preprocessing.colour(),
            text(preprocessing.resizes() ? R.string.resize : R.string.no_resize),
            Arrays.toString(preprocessing.mean()), Arrays.toString(preprocessing.std())));
        var labels = bundle.manifest().labels();
        facts.add(R.string.labels, labels.stream().limit(MOST_LISTED).collect(Collectors.joining(", "))
            + more(", ", labels.size()));
        int pictures = bundle.manifest().golden().count();
        facts.add(R.string.golden_set, activity.getResources().getQuantityString(
            R.plurals.golden_detail, pictures, pictures,
            Figures.error(bundle.tolerance().max()), Figures.error(bundle.tolerance().rms())));
        facts.add(R.string.debug_blocks, bundle.manifest().debug()
            .map(debug -> Integer.toString(debug.blocks().size()))
            .orElseGet(() -> text(R.string.none)));
        facts.add(R.string.made_by, joined(bundle.manifest().madeBy()));
    }

    private static String shape(TensorSpec spec) {
        return Arrays.stream(spec.shape()).mapToObj(Integer::toString).collect(Collectors.joining(" x "));
    }

    private static String joined(Map<String, String> values) {
        return values.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue()).collect(Collectors.joining(", "));
    }

    /** How many of so many are not listed; empty where all are. */
    private String more(String before, int count) {
        return count > MOST_LISTED ? before + text(R.string.and_more, count - MOST_LISTED) : "";
    }

    /** The models and arrays; the pictures, whose number may be large, together. */
    private void showFiles(Bundle bundle, Facts facts) {
        long pictures = 0;
        int count = 0;
        int others = 0;
        facts.addHash("model.json", bundle.sha256());
        for (Map.Entry<String, FileEntry> file : bundle.manifest().files().entrySet()) {
            if (file.getKey().endsWith(".png")) {
                pictures += file.getValue().bytes();
                count++;
            } else if (++others <= MOST_LISTED) {
                facts.addHash(file.getKey() + ", " + Figures.bytes(file.getValue().bytes()),
                    file.getValue().sha256());
            }
        }
        facts.add(R.string.more_files, more("", others)); // where there are
        facts.add(R.string.pictures, activity.getResources().getQuantityString(
            R.plurals.pictures_detail, count, count, Figures.bytes(pictures)));
    }

    private void showDevice(Facts facts) {
        var device = app.device;
        facts.add(R.string.device, device.name());
        facts.add(R.string.processor, device.processor());
        facts.add(R.string.system, device.system());
        facts.add(R.string.abi, device.machine());
        facts.add(R.string.cores, Integer.toString(device.cores()));
        facts.add(R.string.memory,
            device.memoryBytes().isPresent() ? Figures.bytes(device.memoryBytes().getAsLong()) : "");
        facts.add(R.string.page_size, device.pageBytes().isPresent()
            ? text(R.string.page_detail, device.pageBytes().getAsLong() / 1024) : "");
        facts.add(R.string.app_version, device.appVersion());
        facts.add(R.string.inbox, app.bundles.inboxPath());
    }

    private void showRuntimes(RunState<Void, Map<String, String>> run) {
        if (run.result() == null) {
            return;
        }
        Facts facts = runtimes.clear();
        for (var engine : app.engines.all()) {
            String version = run.result().getOrDefault(engine.id(), "");
            facts.add(app.engines.name(engine), version.isEmpty() ? text(R.string.runtime_missing) : version);
        }
        boolean large = app.device.pageBytes().orElse(0) >= LARGE_PAGE;
        facts.add(R.string.page_note, text(large ? R.string.page_note_16 : R.string.page_note_4));
    }
}
