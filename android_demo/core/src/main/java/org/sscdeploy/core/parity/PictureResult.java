package org.sscdeploy.core.parity;

/**
 * One golden picture on this device.
 *
 * @param index  its place in the golden set
 * @param max    largest absolute difference to the reference; infinite where an output is not finite
 * @param rms    root of the mean squared difference; infinite likewise
 * @param within whether every value is within the bounds of the largest; rms is bounded over all pictures together
 *               only
 */
public record PictureResult(int index, double max, double rms, boolean within) { }
