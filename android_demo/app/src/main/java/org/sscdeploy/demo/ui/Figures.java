package org.sscdeploy.demo.ui;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as the command line of ssc-deploy prints them, whatever the language. */
public final class Figures {
    private Figures() { }

    /** Nanoseconds as milliseconds, three significant digits. */
    public static String milliseconds(double nanoseconds) {
        double value = nanoseconds / 1e6;
        int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + decimals + "f ms", value);
    }

    /** Nanoseconds as a number of milliseconds, with the decimals that multiples of a step need. */
    static String mark(double nanoseconds, double step) {
        int decimals = 0;
        for (double rest = step / 1e6; Math.abs(rest - Math.rint(rest)) > 1e-6 && decimals < 6; rest *= 10) {
            decimals++;
        }
        return String.format(Locale.ROOT, "%." + decimals + "f", nanoseconds / 1e6);
    }

    /** An error, two significant digits. */
    public static String error(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.1e", value) : "NaN or Inf";
    }

    /** A share as a percentage, with more digits where it would look like none or all. */
    public static String percent(double share) {
        boolean nearAnEnd = share > 0 && share < 0.001 || share > 0.999 && share < 1;
        return String.format(Locale.ROOT, nearAnEnd ? "%.2f %%" : "%.1f %%", 100 * share);
    }

    /** A number that a network gives, six significant digits or fewer, as {@code ssc-deploy run} prints it. */
    public static String value(float value) {
        return Float.isFinite(value) ? new BigDecimal(value).round(new MathContext(6)).stripTrailingZeros().toString()
            : "NaN or Inf";
    }

    /** Bytes in a unit that leaves three digits or so before the point. */
    public static String bytes(long count) {
        String[] units = {"bytes", "kB", "MB", "GB"};
        double value = count;
        int unit = 0;
        while (value >= 1000 && unit + 1 < units.length) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
