package org.sscdeploy.demo.run;

/**
 * Something that takes long.
 *
 * @param <P> what it says of its progress
 * @param <R> what it gives in the end
 */
@FunctionalInterface
public interface Work<P, R> {
    /**
     * Does it, on the thread for work.
     *
     * @throws Exception whose message is a sentence for the screen; {@code CancelledException} where it was cancelled
     */
    R run(Control<P> control) throws Exception;
}
