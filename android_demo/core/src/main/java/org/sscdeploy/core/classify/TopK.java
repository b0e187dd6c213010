package org.sscdeploy.core.classify;

import java.util.List;

/** The most probable classes. */
public final class TopK {
    private TopK() { }

    /**
     * The best classes of one inference, as {@code ssc_deploy.predict} orders them.
     *
     * @param logits one a class
     * @param labels in the order of the logits; a class without one is called by its index
     * @param count  at most so many, at least one
     * @return the best first; of equal ones the lower index first
     */
    public static List<Candidate> of(float[] logits, List<String> labels, int count) {
        throw new UnsupportedOperationException();
    }
}
