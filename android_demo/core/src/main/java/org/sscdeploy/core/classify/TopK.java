package org.sscdeploy.core.classify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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
        double[] probabilities = Softmax.of(logits);
        Integer[] order = new Integer[logits.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingDouble(i -> -probabilities[i])); // stable
        List<Candidate> best = new ArrayList<>();
        for (int index : Arrays.copyOf(order, Math.min(Math.max(1, count), order.length))) {
            String label = index < labels.size() ? labels.get(index) : String.valueOf(index);
            best.add(new Candidate(index, label, probabilities[index]));
        }
        return best;
    }
}
