package org.sscdeploy.core.parity;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sscdeploy.core.bundle.Tolerance;

/** What a device computes for the golden set, compared with the network in float64. Immutable. */
public final class ParityReport {
    private final List<PictureResult> pictures;
    private final double max;
    private final double rms;
    private final Tolerance tolerance;
    private final Verdict verdict;
    private final OptionalInt firstFailing;
    private final OptionalInt preprocessingDiffers;
    private final Optional<BlockResult> diverging;
    private final Optional<SliceError> output;

    ParityReport(List<PictureResult> pictures, double max, double rms, Tolerance tolerance, Verdict verdict,
            OptionalInt firstFailing, OptionalInt preprocessingDiffers, Optional<BlockResult> diverging,
            Optional<SliceError> output) {
        this.pictures = pictures;
        this.max = max;
        this.rms = rms;
        this.tolerance = tolerance;
        this.verdict = verdict;
        this.firstFailing = firstFailing;
        this.preprocessingDiffers = preprocessingDiffers;
        this.diverging = diverging;
        this.output = output;
    }

    /** Every picture, in order. */
    public List<PictureResult> pictures() {
        return pictures;
    }

    /** Largest absolute difference over all pictures; infinite where an output is not finite. */
    public double max() {
        return max;
    }

    /** Root of the mean squared difference over all pictures; infinite likewise. */
    public double rms() {
        return rms;
    }

    /** What both are allowed to be. */
    public Tolerance tolerance() {
        return tolerance;
    }

    /** Whether they are. */
    public Verdict verdict() {
        return verdict;
    }

    /** The first picture that is outside; empty where the verdict is good. */
    public OptionalInt firstFailing() {
        return firstFailing;
    }

    /** The first picture that this device preprocesses to other bits than Python did; empty where none is. */
    public OptionalInt preprocessingDiffers() {
        return preprocessingDiffers;
    }

    /** The first block that diverges; empty where none does, or none was looked for. */
    public Optional<BlockResult> diverging() {
        return diverging;
    }

    /** The output that is outside of its own bound, in the first picture where one is; empty where none is. */
    public Optional<SliceError> output() {
        return output;
    }

    /** The same with the block that diverges first. */
    public ParityReport withDiverging(Optional<BlockResult> block) {
        return new ParityReport(
            pictures, max, rms, tolerance, verdict, firstFailing, preprocessingDiffers, block, output);
    }
}
