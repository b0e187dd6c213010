package org.sscdeploy.core.parity;

import java.util.Optional;
import org.sscdeploy.core.bundle.Tolerance;

/**
 * One block of a debug bundle on this device.
 *
 * @param index     its place among the blocks, 0 the first
 * @param name      path of the module
 * @param max       largest absolute difference to the reference; infinite where a value is not finite
 * @param rms       root of the mean squared difference; infinite likewise
 * @param tolerance what both are allowed to be
 * @param slice     the slice that is furthest outside of its own bound; empty where none is
 */
public record BlockResult(int index, String name, double max, double rms, Tolerance tolerance,
        Optional<SliceError> slice) { }
