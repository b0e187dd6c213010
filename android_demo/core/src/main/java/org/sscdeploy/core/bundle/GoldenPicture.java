package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.Optional;

/**
 * One picture of the golden set, as a PNG file.
 *
 * @param path  where the PNG lies
 * @param file  its name in the bundle
 * @param label index of its true class, where somebody knows it
 */
public record GoldenPicture(Path path, String file, Optional<Integer> label) { }
