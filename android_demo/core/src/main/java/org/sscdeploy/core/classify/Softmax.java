package org.sscdeploy.core.classify;

/** softmax(x)[i] = exp(x[i] - max x) / sum over j of exp(x[j] - max x), in float64. */
public final class Softmax {
    private Softmax() { }

    /**
     * Probabilities of logits.
     *
     * @param logits at least one
     * @return as many values; all NaN where a logit is NaN
     */
    public static double[] of(float[] logits) {
        throw new UnsupportedOperationException();
    }
}
