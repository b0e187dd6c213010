package org.sscdeploy.demo.classify;

import static org.junit.Assert.assertEquals;

import org.junit.Test;
import org.sscdeploy.core.picture.Pixels;

/** The eight orientations of EXIF on a picture of two by three pixels. */
public class UprightTest {
    /** Stored rows 12, 34, 56. */
    private static final int[] STORED = {1, 2, 3, 4, 5, 6};

    private static String upright(int orientation) {
        Pixels pixels = Upright.of(orientation).apply(STORED, 2, 3);
        StringBuilder rows = new StringBuilder();
        for (int y = 0; y < pixels.height(); y++) {
            for (int x = 0; x < pixels.width(); x++) {
                rows.append(pixels.rgb()[3 * (y * pixels.width() + x) + 2]);
            }
            rows.append(' ');
        }
        return rows.toString().trim();
    }

    @Test
    public void eachIsTurnedAndMirroredAsItsNumberSays() {
        assertEquals("12 34 56", upright(1));
        assertEquals("21 43 65", upright(2));
        assertEquals("65 43 21", upright(3));
        assertEquals("56 34 12", upright(4));
        assertEquals("135 246", upright(5));
        assertEquals("531 642", upright(6));
        assertEquals("642 531", upright(7));
        assertEquals("246 135", upright(8));
    }

    @Test
    public void anyOtherNumberCountsAsUpright() {
        assertEquals("12 34 56", upright(0));
        assertEquals("12 34 56", upright(9));
    }
}
