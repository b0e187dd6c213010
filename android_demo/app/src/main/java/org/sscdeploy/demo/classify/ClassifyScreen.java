package org.sscdeploy.demo.classify;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.os.Build;
import android.provider.MediaStore;
import android.view.LayoutInflater;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.ImageButton;
import android.widget.ImageView;
import android.widget.TextView;
import java.util.Set;
import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.bundle.GoldenPicture;
import org.sscdeploy.core.classify.Candidate;
import org.sscdeploy.core.classify.OutputKind;
import org.sscdeploy.demo.R;
import org.sscdeploy.demo.Requests;
import org.sscdeploy.demo.Screen;
import org.sscdeploy.demo.run.RunState;
import org.sscdeploy.demo.run.Step;
import org.sscdeploy.demo.ui.Bar;
import org.sscdeploy.demo.ui.Choices;
import org.sscdeploy.demo.ui.Figures;
import org.sscdeploy.demo.ui.Notice;
import org.sscdeploy.demo.ui.Sentences;

/** What a picture shows: of the camera, of the user's files, or of the bundle. */
public final class ClassifyScreen extends Screen {
    private final Notice notice = find(R.id.notice);
    private final Choices engines = find(R.id.engines);
    private final Button cameraButton = find(R.id.open_camera);
    private final ImageView picture = find(R.id.picture);
    private final ViewGroup strip = find(R.id.strip);
    private final CameraPanel camera;
    private Bundle bundle;

    /** Makes the views. */
    public ClassifyScreen(Activity activity, ViewGroup parent) {
        super(activity, parent, R.string.classify, R.layout.classify_first, R.layout.classify_second);
        camera = new CameraPanel(activity, find(R.id.camera), this::taken, this::cameraProblem);
        cameraButton.setOnClickListener(view -> {
            if (camera.isOpen()) {
                camera.take();
            } else {
                notice.hide();
                camera.open(Requests.CAMERA_PERMISSION);
                showCamera();
            }
        });
        find(R.id.choose_picture).setOnClickListener(view -> choosePicture());
        watch(app.classification, this::show);
    }

    @Override
    public void stop() {
        camera.close();
        super.stop();
    }

    @Override
    protected void show(Bundle shown) {
        bundle = shown;
        var offered = app.engines.offered(bundle);
        engines.offer(offered, false, chosen -> {
            app.selection.engine = chosen.iterator().next();
            classify(app.selection.picture);
        });
        engines.choose(Set.of(app.selection.engine(offered)));
        strip.removeAllViews();
        if (bundle == null) {
            return;
        }
        bundle.manifest().golden().pictures().forEach(golden -> strip.addView(thumbnail(golden)));
        mark();
        PictureSource waiting = app.selection.waiting;
        app.selection.waiting = null;
        classify(waiting);
    }

    @Override
    public void onPermission(boolean granted) {
        camera.onPermission(granted);
        showCamera();
    }

    @Override
    public void onResult(int request, Intent data) {
        var uri = data.getData();
        if (request == Requests.PICTURE && uri != null) {
            // Of the process: the source outlives this Activity, which its own resolver would hold on to.
            PictureSource chosen = PictureSource.chosen(activity.getApplicationContext().getContentResolver(), uri);
            if (bundle == null) { // the system ended the process meanwhile, and the bundle is being opened again
                app.selection.waiting = chosen;
            } else {
                classify(chosen);
            }
        }
    }

    private View thumbnail(GoldenPicture golden) {
        ImageButton button = (ImageButton) LayoutInflater.from(activity).inflate(R.layout.thumbnail, strip, false);
        app.thumbnails.show(golden.path(), button);
        button.setContentDescription(text(R.string.golden_picture, caption(golden)));
        button.setTag(golden.file());
        button.setOnClickListener(view -> classify(PictureSource.golden(golden)));
        return button;
    }

    /** What a golden picture shows, where somebody knows it. */
    private String caption(GoldenPicture golden) {
        return golden.label().map(bundle.manifest().labels()::get).orElse(golden.path().getFileName().toString());
    }

    private void choosePicture() {
        camera.close();
        showCamera();
        Intent intent = Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU
            ? new Intent(MediaStore.ACTION_PICK_IMAGES)
            : new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE);
        try {
            activity.startActivityForResult(intent.setType("image/*"), Requests.PICTURE);
        } catch (ActivityNotFoundException error) {
            notice.show(Notice.Weight.WARNING, text(R.string.no_picker));
        }
    }

    private void taken(byte[] jpeg) {
        showCamera();
        classify(PictureSource.taken(jpeg));
    }

    private void cameraProblem(String sentence) {
        showCamera();
        notice.show(Notice.Weight.WARNING, sentence);
    }

    private void showCamera() {
        cameraButton.setText(camera.isOpen() ? R.string.take_picture : R.string.open_camera);
        picture.setVisibility(camera.isOpen() ? View.INVISIBLE : View.VISIBLE);
        showPlaceholder();
    }

    private void showPlaceholder() {
        boolean empty = picture.getDrawable() == null && !camera.isOpen();
        find(R.id.no_picture).setVisibility(empty ? View.VISIBLE : View.GONE);
    }

    private void classify(PictureSource source) {
        var engine = app.engines.byId(app.selection.engine(app.engines.offered(bundle)));
        if (source == null || bundle == null || !engine.isPresent()) {
            return;
        }
        camera.close();
        showCamera();
        if (app.runs.start(app.classification, new ClassifyWork(app, bundle, engine.get(), source))) {
            app.selection.picture = source;
            mark();
        } else {
            notice.show(Notice.Weight.NOTE, text(R.string.busy));
        }
    }

    /** Marks the golden picture that is shown. */
    private void mark() {
        PictureSource source = app.selection.picture;
        for (int i = 0; i < strip.getChildCount(); i++) {
            View child = strip.getChildAt(i);
            child.setSelected(source != null && source.key().equals(child.getTag()));
        }
    }

    private void show(RunState<Step, Classification> run) {
        View answer = find(R.id.answer);
        switch (run.phase()) {
            case DONE -> {
                notice.hide();
                showAnswer(run.result());
                answer.setVisibility(View.VISIBLE);
            }
            case FAILED -> {
                notice.show(Notice.Weight.BAD, text(R.string.not_classified), Sentences.of(run.message()));
                answer.setVisibility(View.GONE);
            }
            case IDLE -> {
                picture.setImageDrawable(null);
                answer.setVisibility(View.GONE);
            }
            default -> { }
        }
        showPlaceholder();
    }

    /** A probability; or the number itself, where it is of no class. */
    private static String figure(Candidate candidate) {
        return candidate.probability().isPresent() ? Figures.percent(candidate.probability().getAsDouble())
            : Figures.value(candidate.value());
    }

    private void showAnswer(Classification answer) {
        picture.setImageBitmap(answer.picture());
        Candidate best = answer.candidates().get(0);
        if (answer.kind() == OutputKind.VALUES) {
            notice.show(Notice.Weight.NOTE, text(R.string.no_classes));
            picture.setContentDescription(text(R.string.picture_without_class));
        } else {
            picture.setContentDescription(text(R.string.picture_described, best.label(), figure(best)));
        }
        if (answer.kind() == OutputKind.LOGIT) {
            notice.show(Notice.Weight.NOTE, text(R.string.one_logit, Figures.value(best.value())));
        }
        ViewGroup rows = find(R.id.candidates);
        rows.removeAllViews();
        for (Candidate candidate : answer.candidates()) {
            View row = LayoutInflater.from(activity).inflate(R.layout.candidate, rows, false);
            String figure = figure(candidate);
            row.<TextView>findViewById(R.id.label).setText(candidate.label());
            row.<TextView>findViewById(R.id.probability).setText(figure);
            Bar bar = row.findViewById(R.id.bar);
            bar.setVisibility(candidate.probability().isPresent() ? View.VISIBLE : View.GONE);
            bar.setShare(candidate.probability().orElse(0));
            row.setContentDescription(candidate.label() + ", " + figure);
            rows.addView(row);
        }
        this.<TextView>find(R.id.latency).setText(Figures.milliseconds(answer.runNanos()));
        this.<TextView>find(R.id.latency_note).setText(text(R.string.latency_note, answer.runtime(),
            Figures.milliseconds(answer.prepareNanos()), answer.device()));
    }
}
