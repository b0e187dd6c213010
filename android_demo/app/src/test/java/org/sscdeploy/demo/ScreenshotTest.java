package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.view.ViewGroup;
import android.widget.ScrollView;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;

/** The four screens with real results, on every kind of device, kept as pictures for human eyes. */
@RunWith(RobolectricTestRunner.class)
public class ScreenshotTest {
    private static final int AUTOMOBILE = 2;

    @Test
    public void phonePortraitLight() {
        takeAll("phone-portrait-light", "w411dp-h891dp-port-notnight-xhdpi");
    }

    @Test
    public void phonePortraitDark() {
        takeAll("phone-portrait-dark", "w411dp-h891dp-port-night-xhdpi");
    }

    @Test
    public void phoneLandscapeLight() {
        takeAll("phone-landscape-light", "w891dp-h411dp-land-notnight-xhdpi");
    }

    @Test
    public void phoneLandscapeDark() {
        takeAll("phone-landscape-dark", "w891dp-h411dp-land-night-xhdpi");
    }

    @Test
    public void tabletPortraitLight() {
        takeAll("tablet-portrait-light", "w800dp-h1280dp-port-notnight-hdpi");
    }

    @Test
    public void tabletPortraitDark() {
        takeAll("tablet-portrait-dark", "w800dp-h1280dp-port-night-hdpi");
    }

    @Test
    public void tabletLandscapeLight() {
        takeAll("tablet-landscape-light", "w1280dp-h800dp-land-notnight-hdpi");
    }

    @Test
    public void tabletLandscapeDark() {
        takeAll("tablet-landscape-dark", "w1280dp-h800dp-land-night-hdpi");
    }

    @Test
    public void twiceAsLargeFonts() {
        RuntimeEnvironment.setFontScale(2);
        takeAll("phone-large-fonts", "w411dp-h891dp-port-notnight-xhdpi");
    }

    private void takeAll(String device, String qualifiers) {
        RuntimeEnvironment.setQualifiers(qualifiers);
        ActivityController<MainActivity> controller = Phone.start();
        MainActivity activity = controller.get();
        Set<Integer> pictures = new HashSet<>();
        ViewGroup strip = activity.findViewById(R.id.strip);
        strip.getChildAt(AUTOMOBILE).performClick();
        Phone.awaitRun();
        Phone.awaitThumbnails(activity);
        pictures.add(take(activity, device + "-classify"));
        for (Destination destination : new Destination[] {Destination.PARITY, Destination.PROFILE}) {
            Phone.go(activity, destination);
            Phone.click(activity, R.id.run);
            Phone.awaitRun();
            pictures.add(take(activity, device + "-" + destination.name().toLowerCase()));
        }
        ScrollView scroll = activity.findViewById(R.id.scroll);
        scroll.scrollTo(0, activity.findViewById(R.id.content).getHeight());
        take(activity, device + "-profile-figures");
        Phone.go(activity, Destination.ABOUT);
        pictures.add(take(activity, device + "-about"));
        assertEquals("each screen looks different", 4, pictures.size());
        controller.pause().stop().destroy();
    }

    /** Takes a picture that shows something; its hash. */
    private static int take(MainActivity activity, String name) {
        Bitmap bitmap = Screenshot.take(activity, name);
        int[] pixels = new int[bitmap.getWidth() * bitmap.getHeight()];
        bitmap.getPixels(pixels, 0, bitmap.getWidth(), 0, 0, bitmap.getWidth(), bitmap.getHeight());
        Set<Integer> colours = new HashSet<>();
        for (int pixel : pixels) {
            colours.add(pixel);
        }
        assertTrue(name + " shows more than a few plain areas", colours.size() > 50);
        assertNotEquals("its corner is drawn", 0, pixels[0]);
        return Arrays.hashCode(pixels);
    }
}
