package org.sscdeploy.core.bundle;

import java.util.Arrays;
import org.sscdeploy.core.engine.Tensor;

/** The golden pictures as arrays, in memory, with what the network computes for them in float64. */
public final class GoldenSet {
    private final int count;
    private final int[] chw;
    private final byte[] pixels;
    private final float[] inputs;
    private final double[] outputs;

    GoldenSet(int count, int[] chw, byte[] pixels, float[] inputs, double[] outputs) {
        this.count = count;
        this.chw = chw;
        this.pixels = pixels;
        this.inputs = inputs;
        this.outputs = outputs;
    }

    /** How many pictures. */
    public int count() {
        return count;
    }

    /** One picture as raw bytes, uint8 [H, W, C], C in the order of the preprocessing; a copy. */
    public byte[] pixels(int index) {
        return Arrays.copyOfRange(pixels, index * size(), (index + 1) * size());
    }

    /** One picture preprocessed, float32 [1, C, H, W] or [1, H, W, C]; a copy. */
    public Tensor input(int index, Layout layout) {
        float[] nchw = Arrays.copyOfRange(inputs, index * size(), (index + 1) * size());
        if (layout == Layout.NCHW) {
            return new Tensor(nchw, 1, chw[0], chw[1], chw[2]);
        }
        float[] nhwc = new float[nchw.length];
        int area = chw[1] * chw[2];
        for (int c = 0; c < chw[0]; c++) {
            for (int i = 0; i < area; i++) {
                nhwc[i * chw[0] + c] = nchw[c * area + i];
            }
        }
        return new Tensor(nhwc, 1, chw[1], chw[2], chw[0]);
    }

    /** What the network computes for one picture, float64 [classes]; a copy. */
    public double[] output(int index) {
        int classes = outputs.length / count;
        return Arrays.copyOfRange(outputs, index * classes, (index + 1) * classes);
    }

    private int size() {
        return chw[0] * chw[1] * chw[2];
    }
}
