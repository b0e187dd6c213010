package org.sscdeploy.core.classify;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;

/** The most probable classes. */
public final class TopK {
    private TopK() { }

    /**
     * The best classes of one inference, as {@code ssc_deploy.predict} orders them.
     *
     * @param outputs one a class
     * @param labels  in the order of the outputs; a class without one is called by its index
     * @param count   at most so many, at least one
     * @return the best first; of equal ones the lower index first. Of outputs that are of no classes the first ones
     */
    public static List<Candidate> of(float[] outputs, OutputKind kind, List<String> labels, int count) {
        var probabilities = kind.probabilities(outputs);
        Integer[] order = new Integer[outputs.length];
        Arrays.setAll(order, i -> i);
        if (probabilities.isPresent()) {
            double[] shares = probabilities.get();
            Arrays.sort(order, Comparator.comparingDouble(i -> -shares[i])); // stable
        }
        List<Candidate> best = new ArrayList<>();
        for (int index : Arrays.copyOf(order, Math.min(Math.max(1, count), order.length))) {
            String label = index < labels.size() ? labels.get(index) : String.valueOf(index);
            best.add(new Candidate(index, label, probabilities.isPresent()
                ? OptionalDouble.of(probabilities.get()[index]) : OptionalDouble.empty(), outputs[index]));
        }
        return best;
    }
}
