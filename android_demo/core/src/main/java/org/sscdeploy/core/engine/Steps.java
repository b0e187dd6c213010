package org.sscdeploy.core.engine;

/**
 * How real numbers are held as integers of 8 bits, as {@code ssc_deploy/batches.py} does it, bit for bit.
 *
 * <pre>real = scale * (integer - zeroPoint)      integer = round(real / scale) + zeroPoint, cut off at the type's ends</pre>
 *
 * @param scale     above 0
 * @param zeroPoint the integer that stands for zero
 */
public record Steps(double scale, int zeroPoint) {

    /**
     * The nearest integers, the even one at a tie.
     *
     * @param numbers real
     * @param signed  whether they are from -128 to 127, or else from 0 to 255
     */
    public byte[] integers(float[] numbers, boolean signed) {
        int low = signed ? Byte.MIN_VALUE : 0;
        int high = signed ? Byte.MAX_VALUE : 255;
        byte[] integers = new byte[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            double exact = Math.rint(numbers[i] / scale) + zeroPoint;
            integers[i] = (byte) (int) Math.max(low, Math.min(high, exact));
        }
        return integers;
    }

    /**
     * What integers stand for.
     *
     * @param integers of the type
     * @param signed   see {@link #integers}
     */
    public float[] numbers(byte[] integers, boolean signed) {
        float[] numbers = new float[integers.length];
        for (int i = 0; i < integers.length; i++) {
            int integer = signed ? integers[i] : integers[i] & 0xFF;
            numbers[i] = (float) (scale * (integer - zeroPoint));
        }
        return numbers;
    }
}
