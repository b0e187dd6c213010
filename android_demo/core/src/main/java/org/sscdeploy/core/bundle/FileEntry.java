package org.sscdeploy.core.bundle;

/** What model.json says of one file. Immutable. */
public final class FileEntry {
    private final String sha256;
    private final long bytes;

    FileEntry(String sha256, long bytes) {
        this.sha256 = sha256;
        this.bytes = bytes;
    }

    /** Its SHA-256, hexadecimal. */
    public String sha256() {
        return sha256;
    }

    /** Its size. */
    public long bytes() {
        return bytes;
    }
}
