package org.sscdeploy.core.engine;

import java.util.Arrays;

/** Shapes of arrays: whole numbers, none negative, outermost first. */
public final class Shapes {
    private Shapes() { }

    /**
     * How many values an array of that shape has.
     *
     * @throws IllegalArgumentException a side is negative, or there are more than an array of Java holds
     */
    public static int elements(int... shape) {
        long count = 1;
        for (int side : shape) {
            if (side < 0) {
                throw new IllegalArgumentException("the shape " + Arrays.toString(shape) + " has a negative side");
            }
            count = Math.multiplyExact(count, (long) side);
            if (count > Integer.MAX_VALUE - 16) {
                throw new IllegalArgumentException("the shape " + Arrays.toString(shape) + " is too large");
            }
        }
        return (int) count;
    }
}
