package org.sscdeploy.core.bundle;

/**
 * One block of the network in a debug bundle.
 *
 * @param name      path of the module, e.g. {@code "body.7.ssc1"}
 * @param output    name of the debug model's output that holds its value
 * @param tolerance how far its value may be from the reference
 */
public record DebugBlock(String name, String output, Tolerance tolerance) { }
