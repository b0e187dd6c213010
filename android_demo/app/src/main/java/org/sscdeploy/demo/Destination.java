package org.sscdeploy.demo;

/** The four screens. */
public enum Destination {
    /** What a picture shows. */
    CLASSIFY(R.string.classify, R.drawable.ic_classify),
    /** Whether this device computes what PyTorch computed. */
    PARITY(R.string.parity, R.drawable.ic_parity),
    /** How long it takes. */
    PROFILE(R.string.profile, R.drawable.ic_profile),
    /** The device, the runtimes and the bundle. */
    ABOUT(R.string.about, R.drawable.ic_about);

    /** Its name, a string resource. */
    public final int title;
    /** Its sign, a drawable resource. */
    public final int icon;

    Destination(int title, int icon) {
        this.title = title;
        this.icon = icon;
    }
}
