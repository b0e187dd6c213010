package org.sscdeploy.core.job;

/** A model to measure. Immutable. */
public final class ModelFile {
    private final String name;
    private final String file;
    private final String sha256;
    private final long size;
    private final Golden golden;

    /**
     * All of it.
     *
     * @param name   for people
     * @param file   its name in the job's folder; the suffix says which engine runs it
     * @param sha256 of it, hexadecimal
     * @param size   of it in bytes
     * @param golden its golden set
     */
    public ModelFile(String name, String file, String sha256, long size, Golden golden) {
        this.name = name;
        this.file = file;
        this.sha256 = sha256;
        this.size = size;
        this.golden = golden;
    }

    /** For people. */
    public String name() {
        return name;
    }

    /** Its name in the job's folder; the suffix says which engine runs it. */
    public String file() {
        return file;
    }

    /** Of it, hexadecimal. */
    public String sha256() {
        return sha256;
    }

    /** Of it in bytes. */
    public long size() {
        return size;
    }

    /** Its golden set. */
    public Golden golden() {
        return golden;
    }
}
