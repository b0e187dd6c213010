package org.sscdeploy.core.bundle;

/**
 * What model.json says of one file.
 *
 * @param sha256 its SHA-256, hexadecimal
 * @param bytes  its size
 */
public record FileEntry(String sha256, long bytes) { }
