package org.sscdeploy.core;

/** Long work ended because it was cancelled; nothing that it would have made is there. */
public final class CancelledException extends Exception {
    private static final long serialVersionUID = 1;

    /** Says that the run was cancelled. */
    public CancelledException() {
        super("the run was cancelled");
    }
}
