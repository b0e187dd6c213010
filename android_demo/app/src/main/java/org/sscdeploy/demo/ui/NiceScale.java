package org.sscdeploy.demo.ui;

/** Round numbers for an axis that begins at 0. */
final class NiceScale {
    private NiceScale() { }

    /** Distance of two marks of an axis that ends at {@code top}: there are four or five. */
    static double step(double top) {
        double power = Math.pow(10, Math.floor(Math.log10(top / 4) + 1e-9));
        double mantissa = top / 4 / power;
        double nice = mantissa < 1.5 ? 1 : mantissa < 2.25 ? 2 : mantissa < 3.5 ? 2.5 : mantissa < 7.5 ? 5 : 10;
        return nice * power;
    }

    /** A whole number of marks that holds the value, in nanoseconds; 1 ms where there is none. */
    static double above(double value) {
        if (!(value > 0)) {
            return 1e6;
        }
        double step = step(value);
        return step * Math.ceil(value / step - 1e-9);
    }
}
