package org.sscdeploy.core.bundle;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sscdeploy.core.classify.OutputKind;

/**
 * What model.json says; whether the files are what it says, {@link BundleFiles} finds out.
 *
 * @param name          of the network
 * @param sourceSha256  of the checkpoint; empty for random weights
 * @param madeBy        versions of the packages that made it
 * @param models        the model files, at least one
 * @param preprocessing how a picture becomes the input
 * @param labels        of the classes, one an output
 * @param outputKind    what the outputs mean
 * @param golden        pictures with the network's outputs
 * @param debug         what a debug bundle holds besides
 * @param files         size and hash of every other file, by its path in the bundle
 */
public record Manifest(String name, String sourceSha256, Map<String, String> madeBy, List<ModelEntry> models,
        Preprocessing preprocessing, List<String> labels, OutputKind outputKind, GoldenInfo golden,
        Optional<DebugInfo> debug, Map<String, FileEntry> files) { }
