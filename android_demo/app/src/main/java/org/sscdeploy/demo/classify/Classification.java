package org.sscdeploy.demo.classify;

import android.graphics.Bitmap;
import java.util.List;
import org.sscdeploy.core.classify.Candidate;
import org.sscdeploy.core.classify.OutputKind;

/** What a network says of a picture, and how long it took. Immutable. */
public final class Classification {
    private final String pictureKey;
    private final Bitmap picture;
    private final List<Candidate> candidates;
    private final OutputKind kind;
    private final String runtime;
    private final String device;
    private final long runNanos;
    private final long prepareNanos;

    Classification(String pictureKey, Bitmap picture, List<Candidate> candidates, OutputKind kind, String runtime,
            String device, long runNanos, long prepareNanos) {
        this.pictureKey = pictureKey;
        this.picture = picture;
        this.candidates = candidates;
        this.kind = kind;
        this.runtime = runtime;
        this.device = device;
        this.runNanos = runNanos;
        this.prepareNanos = prepareNanos;
    }

    /** Of the {@link PictureSource}. */
    public String pictureKey() {
        return pictureKey;
    }

    /** The picture for the screen. */
    public Bitmap picture() {
        return picture;
    }

    /** The best first. */
    public List<Candidate> candidates() {
        return candidates;
    }

    /** What the network's outputs mean. */
    public OutputKind kind() {
        return kind;
    }

    /** Name and version of the runtime, and its options. */
    public String runtime() {
        return runtime;
    }

    /** That took the time. */
    public String device() {
        return device;
    }

    /** Of the inference alone. */
    public long runNanos() {
        return runNanos;
    }

    /** From the decoded picture to the input. */
    public long prepareNanos() {
        return prepareNanos;
    }
}
