package org.sscdeploy.core.job;

import org.sscdeploy.core.engine.FailureKind;

/** Why a measurement has no figures. Immutable. */
public final class Failure {
    private final FailureKind kind;
    private final String message;

    /**
     * All of it.
     *
     * @param kind    what is wrong
     * @param message a sentence
     */
    public Failure(FailureKind kind, String message) {
        this.kind = kind;
        this.message = message;
    }

    /** What is wrong. */
    public FailureKind kind() {
        return kind;
    }

    /** A sentence. */
    public String message() {
        return message;
    }
}
