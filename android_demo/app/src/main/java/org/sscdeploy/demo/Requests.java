package org.sscdeploy.demo;

/** Numbers of what the app asks others for. */
public final class Requests {
    /** Permission for the camera. */
    public static final int CAMERA_PERMISSION = 1;
    /** A picture. */
    public static final int PICTURE = 2;
    /** A bundle as a .zip. */
    public static final int BUNDLE = 3;

    private Requests() { }
}
