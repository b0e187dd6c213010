package org.sscdeploy.core.bundle;

/** Order of the axes of a picture in a model. */
public enum Layout {
    /** Picture, channel, row, column. */
    NCHW,
    /** Picture, row, column, channel. */
    NHWC
}
