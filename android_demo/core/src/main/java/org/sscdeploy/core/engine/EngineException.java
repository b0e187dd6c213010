package org.sscdeploy.core.engine;

/** One model cannot be run or measured; the message is a sentence fit for a screen. */
public final class EngineException extends Exception {
    private static final long serialVersionUID = 1;

    private final FailureKind kind;

    /**
     * A failure that nothing else caused.
     *
     * @param kind    what is wrong
     * @param message a sentence
     */
    public EngineException(FailureKind kind, String message) {
        this(kind, message, null);
    }

    /**
     * A failure with what caused it.
     *
     * @param kind    what is wrong
     * @param message a sentence
     * @param cause   what the runtime threw
     */
    public EngineException(FailureKind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What is wrong. */
    public FailureKind kind() {
        return kind;
    }
}
