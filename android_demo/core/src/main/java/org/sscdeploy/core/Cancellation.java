package org.sscdeploy.core;

/** Whether whoever started long work wants it no more. It may be asked on any thread, and often. */
@FunctionalInterface
public interface Cancellation {

    /** Work that nobody cancels. */
    Cancellation NEVER = () -> false;

    /** Whether the work should end. */
    boolean isCancelled();

    /**
     * Ends the work where it is no longer wanted.
     *
     * @throws CancelledException it is not
     */
    default void check() throws CancelledException {
        if (isCancelled()) {
            throw new CancelledException();
        }
    }
}
