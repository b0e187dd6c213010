package org.sscdeploy.core.bundle;

import java.nio.file.Path;
import java.util.List;

/**
 * What a debug bundle holds besides: every block's output for one golden picture.
 *
 * @param model   an .onnx file whose outputs are the blocks'
 * @param picture which golden picture
 * @param values  an .npz of float64 arrays {@code block.0}, {@code block.1} ... in the order of {@link #blocks}
 * @param blocks  in the order of execution
 */
public record DebugInfo(Path model, int picture, Path values, List<DebugBlock> blocks) { }
