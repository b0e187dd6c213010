package org.sscdeploy.core.bundle;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sscdeploy.core.classify.OutputKind;

/** What model.json says; whether the files are what it says, {@link BundleFiles} finds out. Immutable. */
final class Manifest {
    final String name;
    final String sourceSha256;
    final Map<String, String> madeBy;
    final List<ModelEntry> models;
    final Preprocessing preprocessing;
    final List<String> labels;
    final OutputKind outputKind;
    final GoldenInfo golden;
    final Optional<DebugInfo> debug;
    final Map<String, FileEntry> files;

    Manifest(String name, String sourceSha256, Map<String, String> madeBy, List<ModelEntry> models,
            Preprocessing preprocessing, List<String> labels, OutputKind outputKind, GoldenInfo golden,
            Optional<DebugInfo> debug, Map<String, FileEntry> files) {
        this.name = name;
        this.sourceSha256 = sourceSha256;
        this.madeBy = madeBy;
        this.models = models;
        this.preprocessing = preprocessing;
        this.labels = labels;
        this.outputKind = outputKind;
        this.golden = golden;
        this.debug = debug;
        this.files = files;
    }
}
