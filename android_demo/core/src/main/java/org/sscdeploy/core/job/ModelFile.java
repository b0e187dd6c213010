package org.sscdeploy.core.job;

/**
 * A model to measure.
 *
 * @param name   for people
 * @param file   its name in the job's folder; the suffix says which engine runs it
 * @param sha256 of it, hexadecimal
 * @param size   of it in bytes
 * @param golden its golden set
 */
public record ModelFile(String name, String file, String sha256, long size, Golden golden) { }
