package org.sscdeploy.core.bundle;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sscdeploy.core.classify.OutputKind;

/** What model.json says; whether the files are what it says, {@link BundleFiles} finds out. */
record Manifest(String name, String sourceSha256, Map<String, String> madeBy, List<ModelEntry> models,
        Preprocessing preprocessing, List<String> labels, OutputKind outputKind, GoldenInfo golden,
        Optional<DebugInfo> debug, Map<String, FileEntry> files) { }
