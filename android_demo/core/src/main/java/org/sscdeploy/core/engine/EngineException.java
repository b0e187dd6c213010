package org.sscdeploy.core.engine;

/** One model cannot be run or measured; the message is a sentence fit for a screen. */
public final class EngineException extends Exception {
    private static final long serialVersionUID = 1;

    private final FailureKind kind;

    /** A failure that nothing else caused; the message is a sentence. */
    public EngineException(FailureKind kind, String message) {
        this(kind, message, null);
    }

    /** A failure with what the runtime threw; the message is a sentence. */
    public EngineException(FailureKind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What is wrong. */
    public FailureKind kind() {
        return kind;
    }

    /** What a runtime says of an error, without its stack. */
    public static String firstLine(Throwable error) {
        String message = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage().trim();
        return message.split("\n", 2)[0];
    }
}
