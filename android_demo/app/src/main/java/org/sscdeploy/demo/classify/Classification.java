package org.sscdeploy.demo.classify;

import android.graphics.Bitmap;
import java.util.List;
import org.sscdeploy.core.classify.Candidate;
import org.sscdeploy.core.classify.OutputKind;

/**
 * What a network says of a picture, and how long it took.
 *
 * @param pictureKey   of the {@link PictureSource}
 * @param picture      the picture for the screen
 * @param candidates   the best first
 * @param kind         what the network's outputs mean
 * @param runtime      name and version of the runtime, and its options
 * @param device       that took the time
 * @param runNanos     of the inference alone
 * @param prepareNanos from the decoded picture to the input
 */
public record Classification(String pictureKey, Bitmap picture, List<Candidate> candidates, OutputKind kind,
        String runtime, String device, long runNanos, long prepareNanos) { }
