package org.sscdeploy.core.classify;

import java.util.Locale;
import java.util.Optional;

/** What the numbers mean that a network gives for an image, as {@code ssc_deploy/output_kind.py} has it. */
public enum OutputKind {
    /** Of classes; their softmax are probabilities. */
    SCORES,
    /** Of classes that exclude each other. */
    PROBABILITIES,
    /** Their logarithms. */
    LOG_PROBABILITIES,
    /** Each for itself: several labels may be true. */
    INDEPENDENT_PROBABILITIES,
    /** One number, whose sigmoid is a probability. */
    LOGIT,
    /** One number. */
    PROBABILITY,
    /** Numbers that are no scores of classes. */
    VALUES;

    /** As model.json has it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * Probabilities of what a network gives.
     *
     * @param outputs at least one
     * @return as many; nothing where the outputs are of no classes
     */
    public Optional<double[]> probabilities(float[] outputs) {
        if (this == VALUES) {
            return Optional.empty();
        }
        if (this == SCORES) {
            return Optional.of(Softmax.of(outputs));
        }
        double[] probabilities = new double[outputs.length];
        for (int i = 0; i < outputs.length; i++) {
            double output = outputs[i];
            probabilities[i] = this == LOG_PROBABILITIES ? Math.exp(output) : this == LOGIT ? sigmoid(output) : output;
        }
        return Optional.of(probabilities);
    }

    private static double sigmoid(double logit) {
        double small = Math.exp(-Math.abs(logit)); // overflows nowhere
        return logit < 0 ? small / (1 + small) : 1 / (1 + small);
    }
}
