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

    private final int title;
    private final int icon;

    Destination(int title, int icon) {
        this.title = title;
        this.icon = icon;
    }

    /** Its name, a string resource. */
    public int title() {
        return title;
    }

    /** Its sign, a drawable resource. */
    public int icon() {
        return icon;
    }
}
