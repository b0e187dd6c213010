package org.sscdeploy.core.bundle;

import java.util.List;

/** What model.json says of the golden set. Immutable. */
final class GoldenInfo {
    final int count;
    final String pixels;
    final String inputs;
    final String outputs;
    final List<GoldenPicture> pictures;
    final Tolerance tolerance;

    GoldenInfo(int count, String pixels, String inputs, String outputs, List<GoldenPicture> pictures,
            Tolerance tolerance) {
        this.count = count;
        this.pixels = pixels;
        this.inputs = inputs;
        this.outputs = outputs;
        this.pictures = pictures;
        this.tolerance = tolerance;
    }
}
