package org.sscdeploy.core.bundle;

import java.util.List;

/**
 * What model.json says of the golden set.
 *
 * @param count     how many pictures
 * @param pixels    file of the pictures as arrays
 * @param inputs    file of the same, preprocessed
 * @param outputs   file of what the network computes for them in float64
 * @param pictures  the pictures as files
 * @param tolerance how far outputs may be from these, over all pictures together
 */
public record GoldenInfo(int count, String pixels, String inputs, String outputs, List<GoldenPicture> pictures,
        Tolerance tolerance) { }
