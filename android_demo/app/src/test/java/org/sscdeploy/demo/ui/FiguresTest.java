package org.sscdeploy.demo.ui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** Numbers on the screens. */
public class FiguresTest {
    @Test
    public void millisecondsHaveThreeSignificantDigits() {
        assertEquals("0.047 ms", Figures.milliseconds(47_210));
        assertEquals("1.23 ms", Figures.milliseconds(1_234_000));
        assertEquals("12.3 ms", Figures.milliseconds(12_340_000));
        assertEquals("100 ms", Figures.milliseconds(99_970_000));
        assertEquals("1234 ms", Figures.milliseconds(1_234_000_000));
    }

    @Test
    public void aShareThatIsNotAllOrNoneDoesNotLookLikeIt() {
        assertEquals("100.0 %", Figures.percent(1));
        assertEquals("99.97 %", Figures.percent(0.9997));
        assertEquals("0.02 %", Figures.percent(0.0002));
        assertEquals("0.0 %", Figures.percent(0));
        assertEquals("42.1 %", Figures.percent(0.421));
    }

    @Test
    public void sizesHaveAUnitThatFits() {
        assertEquals("999 bytes", Figures.bytes(999));
        assertEquals("1.4 kB", Figures.bytes(1408));
        assertEquals("838.0 kB", Figures.bytes(838_000));
        assertEquals("25.3 GB", Figures.bytes(25_277_000_000L));
    }

    @Test
    public void anErrorThatIsNotFiniteIsCalledSo() {
        assertEquals("4.9e-06", Figures.error(4.9e-6));
        assertEquals("NaN or Inf", Figures.error(Double.POSITIVE_INFINITY));
        assertEquals("NaN or Inf", Figures.error(Double.NaN));
    }

    @Test
    public void anAxisEndsAboveTheLargestValueAndHasThreeToSixMarks() {
        for (double value = 1e3; value < 1e11; value *= 1.37) {
            double top = NiceScale.above(value);
            double marks = top / NiceScale.step(top);
            assertTrue(value + " below " + top, top >= value * 0.999);
            assertTrue(marks + " marks up to " + top, marks > 2.5 && marks < 6.5);
        }
        assertEquals(1e6, NiceScale.above(0), 0);
    }

    @Test
    public void messagesOfTheCoreBecomeSentences() {
        assertEquals("The file is damaged.", Sentences.of("the file is damaged"));
        assertEquals("model.onnx is damaged.", Sentences.of("model.onnx is damaged"));
        assertEquals("Stop!", Sentences.of("stop!"));
        assertEquals("", Sentences.of(" "));
    }
}
