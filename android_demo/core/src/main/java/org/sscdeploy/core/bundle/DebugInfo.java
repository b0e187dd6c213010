package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.List;

/** What a debug bundle holds besides: every block's output for one golden picture. Immutable. */
public final class DebugInfo {
    private final Path model;
    private final int picture;
    private final Path values;
    private final List<DebugBlock> blocks;

    DebugInfo(Path model, int picture, Path values, List<DebugBlock> blocks) {
        this.model = model;
        this.picture = picture;
        this.values = values;
        this.blocks = blocks;
    }

    /** An .onnx file whose outputs are the blocks'. */
    public Path model() {
        return model;
    }

    /** Which golden picture. */
    public int picture() {
        return picture;
    }

    /** An .npz of float64 arrays {@code block.0}, {@code block.1} ... in the order of {@link #blocks}. */
    public Path values() {
        return values;
    }

    /** In the order of execution. */
    public List<DebugBlock> blocks() {
        return blocks;
    }
}
