package org.sscdeploy.core;

/** Hears how far long work is. It is called on the thread that does the work. */
@FunctionalInterface
public interface Progress {

    /** Hears nothing. */
    Progress NONE = (line, done, total) -> { };

    /**
     * Something is about to be done.
     *
     * @param line  what it is, in a few words fit for a screen
     * @param done  how many parts are done
     * @param total of how many; 0 where that is not known
     */
    void report(String line, int done, int total);
}
