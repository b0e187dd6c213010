package org.sscdeploy.demo.run;

import org.sscdeploy.core.Cancellation;

/**
 * What a piece of work is given: whether to go on, and where to say how far it is.
 *
 * @param <P> what it says
 */
public interface Control<P> extends Cancellation {
    /** Says how far it is, on any thread; of several in a row, the watchers may hear the last one only. */
    void publish(P progress);
}
