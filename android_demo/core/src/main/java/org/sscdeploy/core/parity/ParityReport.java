package org.sscdeploy.core.parity;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sscdeploy.core.bundle.Tolerance;

/**
 * What a device computes for the golden set, compared with the network in float64.
 *
 * @param pictures             every picture, in order
 * @param max                  largest absolute difference over all pictures; infinite where an output is not finite
 * @param rms                  root of the mean squared difference over all pictures; infinite likewise
 * @param tolerance            what both are allowed to be
 * @param verdict              whether they are
 * @param firstFailing         the first picture that is outside; empty where the verdict is good
 * @param preprocessingDiffers the first picture that this device preprocesses to other bits than Python did; empty
 *                             where none is
 * @param diverging            the first block that diverges; empty where none does, or none was looked for
 * @param output               the output that is outside of its own bound, in the first picture where one is; empty
 *                             where none is
 */
public record ParityReport(List<PictureResult> pictures, double max, double rms, Tolerance tolerance, Verdict verdict,
        OptionalInt firstFailing, OptionalInt preprocessingDiffers, Optional<BlockResult> diverging,
        Optional<SliceError> output) {
    /** The same with the block that diverges first. */
    public ParityReport withDiverging(Optional<BlockResult> block) {
        return new ParityReport(
            pictures, max, rms, tolerance, verdict, firstFailing, preprocessingDiffers, block, output);
    }
}
