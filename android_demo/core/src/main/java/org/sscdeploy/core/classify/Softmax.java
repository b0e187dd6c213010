package org.sscdeploy.core.classify;

/** softmax(x)[i] = exp(x[i] - max x) / sum over j of exp(x[j] - max x), in float64. */
public final class Softmax {
    private Softmax() { }

    /**
     * Probabilities of logits.
     *
     * @param logits at least one
     * @return as many values; all NaN where a logit is NaN or plus infinity
     */
    public static double[] of(float[] logits) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit); // NaN where one is
        }
        double[] probabilities = new double[logits.length];
        double total = 0;
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] = Math.exp((double) logits[i] - largest);
            total += probabilities[i];
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] /= total;
        }
        return probabilities;
    }
}
