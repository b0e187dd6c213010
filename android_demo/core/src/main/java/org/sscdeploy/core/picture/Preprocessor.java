package org.sscdeploy.core.picture;

import org.sscdeploy.core.bundle.Layout;
import org.sscdeploy.core.bundle.Preprocessing;
import org.sscdeploy.core.engine.Tensor;

/** Makes a picture the network's input, bit for bit as {@code ssc_deploy/pictures.py} does. Immutable. */
public final class Preprocessor {

    /** What a bundle asks for. */
    public Preprocessor(Preprocessing preprocessing) {
        throw new UnsupportedOperationException();
    }

    /**
     * Scales, crops, orders the channels and normalises.
     *
     * @param picture of any size where the bundle resizes, else of the network's
     * @param layout  of the model
     * @return float32 [1, C, H, W] or [1, H, W, C]
     * @throws PictureException the picture has another size than the network takes, and the bundle does not resize
     */
    public Tensor apply(Pixels picture, Layout layout) throws PictureException {
        throw new UnsupportedOperationException();
    }

    /**
     * Scales and crops alone: what the network gets to see, for the screen.
     *
     * @return of the network's size, in red, green, blue
     * @throws PictureException as {@link #apply}
     */
    public Pixels fit(Pixels picture) throws PictureException {
        throw new UnsupportedOperationException();
    }

    /**
     * Normalises pixels that have the network's size and order of channels already.
     *
     * @param pixels uint8 [H, W, C]
     * @param layout of the model
     * @return float32 [1, C, H, W] or [1, H, W, C]
     */
    public Tensor normalise(byte[] pixels, Layout layout) {
        throw new UnsupportedOperationException();
    }
}
