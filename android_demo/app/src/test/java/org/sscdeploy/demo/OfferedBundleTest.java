package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.AlertDialog;
import android.content.ContentProvider;
import android.content.ContentValues;
import android.content.DialogInterface;
import android.content.Intent;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.CancellationSignal;
import android.os.Looper;
import android.provider.OpenableColumns;
import android.widget.TextView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadows.ShadowDialog;
import org.sscdeploy.demo.store.BundleState;

/** Bundles that other apps hand over: the user is asked, and nothing happens before. */
@RunWith(RobolectricTestRunner.class)
public class OfferedBundleTest {
    private static final Uri LENT = Uri.parse("content://org.another.app/7");
    private static final Uri OTHER = Uri.parse("content://org.another.app/8");
    private static volatile String name; // what providers use is used by another thread
    private static volatile CancellationSignal waiting;
    private static volatile CountDownLatch answers;
    private static String carried;

    /** Another app, which lends a file and says what it is called. */
    public static final class AnotherApp extends ContentProvider {
        @Override
        public boolean onCreate() {
            return true;
        }

        @Override
        public Cursor query(Uri uri, String[] projection, String selection, String[] arguments, String order) {
            if (name == null) {
                throw new SecurityException("it does not say");
            }
            MatrixCursor cursor = new MatrixCursor(new String[] {OpenableColumns.DISPLAY_NAME});
            cursor.addRow(new Object[] {name});
            return cursor;
        }

        @Override
        public Cursor query(Uri uri, String[] projection, String selection, String[] arguments, String order,
                CancellationSignal signal) {
            waiting = signal;
            try {
                answers.await();
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
            return query(uri, projection, selection, arguments, order);
        }

        @Override
        public String getType(Uri uri) {
            return "application/zip";
        }

        @Override
        public Uri insert(Uri uri, ContentValues values) {
            return null;
        }

        @Override
        public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
            return 0;
        }

        @Override
        public int delete(Uri uri, String selection, String[] arguments) {
            return 0;
        }
    }

    @Before
    public void lend() throws Exception {
        Robolectric.setupContentProvider(AnotherApp.class, LENT.getAuthority());
        name = "lent.zip";
        waiting = null;
        answers = new CountDownLatch(0);
        Path copy = Phone.temporary().resolve("lent.bundle");
        BundleFiles.copy(BundleFiles.whole(), copy);
        carried = org.sscdeploy.core.bundle.Bundle.open(copy).manifest().name();
        BundleFiles.edit(copy, card -> card.addProperty("name", "Lent-Net"));
        Path zip = BundleFiles.zip(copy);
        shadowOf(Phone.context().getContentResolver()).registerInputStreamSupplier(LENT, () -> {
            try {
                return Files.newInputStream(zip);
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        });
    }

    private static Intent view(Uri uri) {
        return new Intent(Intent.ACTION_VIEW).setDataAndType(uri, "application/zip");
    }

    private static ActivityController<MainActivity> opened(Uri uri) {
        ActivityController<MainActivity> controller = Robolectric.buildActivity(MainActivity.class, view(uri)).setup();
        Phone.awaitRun();
        return controller;
    }

    /** The question, as soon as it says that. */
    private static AlertDialog asked(String text) {
        Phone.await("a question says " + text, () -> question() != null && message(question()).contains(text));
        return question();
    }

    private static AlertDialog question() {
        AlertDialog dialog = (AlertDialog) ShadowDialog.getLatestDialog();
        return dialog != null && dialog.isShowing() ? dialog : null;
    }

    private static String message(AlertDialog dialog) {
        return dialog.<TextView>findViewById(android.R.id.message).getText().toString();
    }

    private static void answer(int button) {
        question().getButton(button).performClick();
        shadowOf(Looper.getMainLooper()).idle();
        Phone.awaitRun();
    }

    private static BundleState state() {
        return Phone.app().bundles.state();
    }

    @Test
    public void theUserIsAskedAndReadsWhatComesAndWhatGoes() {
        opened(LENT);
        asked("lent.zip");
        asked(carried);
        assertEquals("nothing was installed", carried, state().bundle().get().manifest().name());
        assertEquals(BundleState.Event.READY, state().event());
    }

    @Test
    public void itIsInstalledOnceTheUserAgrees() {
        MainActivity activity = opened(LENT).get();
        asked("lent.zip");
        answer(DialogInterface.BUTTON_POSITIVE);
        assertEquals("Lent-Net", Phone.text(activity, R.id.subtitle));
        assertEquals(null, question());
    }

    @Test
    public void whereTheUserRefusesTheOldOneStaysAndNobodyAsksAgain() {
        ActivityController<MainActivity> controller = opened(LENT);
        asked("lent.zip");
        answer(DialogInterface.BUTTON_NEGATIVE);
        assertEquals(carried, state().bundle().get().manifest().name());
        controller.recreate();
        assertEquals(null, question());
    }

    @Test
    public void leavingTheQuestionIsARefusal() {
        opened(LENT);
        asked("lent.zip").cancel();
        shadowOf(Looper.getMainLooper()).idle();
        Phone.awaitRun();
        assertEquals(carried, state().bundle().get().manifest().name());
    }

    @Test
    public void theQuestionIsStillThereAfterTurning() {
        ActivityController<MainActivity> controller = opened(LENT);
        AlertDialog upright = asked("lent.zip");
        RuntimeEnvironment.setQualifiers("w891dp-h411dp-land");
        controller.recreate();
        assertFalse("it goes with its window", upright.isShowing());
        assertNotSame(upright, asked("lent.zip"));
        asked(carried);
        answer(DialogInterface.BUTTON_POSITIVE);
        assertEquals("Lent-Net", Phone.text(controller.get(), R.id.subtitle));
    }

    @Test
    public void anAppThatIsOpenAlreadyAsksToo() {
        ActivityController<MainActivity> controller = Phone.start();
        controller.newIntent(view(LENT));
        asked("lent.zip");
        assertEquals(carried, state().bundle().get().manifest().name());
    }

    @Test
    public void agreementToOneFileIsNoneToAnotherThatIsOfferedMeanwhile() {
        ActivityController<MainActivity> controller = opened(OTHER);
        AlertDialog first = asked("lent.zip");
        first.getButton(DialogInterface.BUTTON_POSITIVE).performClick(); // on its way
        controller.get().onNewIntent(view(LENT));
        assertAsksStill(first);
    }

    @Test
    public void leavingOneQuestionLeavesAnotherThatCameMeanwhile() {
        ActivityController<MainActivity> controller = opened(OTHER);
        AlertDialog first = asked("lent.zip");
        first.cancel(); // on its way
        controller.get().onNewIntent(view(LENT));
        assertAsksStill(first);
    }

    /** The second question is there, nothing was installed, and it is the second file that is installed for it. */
    private static void assertAsksStill(AlertDialog first) {
        shadowOf(Looper.getMainLooper()).idle();
        Phone.awaitRun();
        assertNotSame(first, asked("lent.zip"));
        assertEquals(carried, state().bundle().get().manifest().name());
        assertEquals(BundleState.Event.READY, state().event());
        answer(DialogInterface.BUTTON_POSITIVE);
        assertEquals("Lent-Net", state().bundle().get().manifest().name());
    }

    @Test
    public void aNameCannotLookLikeAPartOfTheQuestion() {
        name = "a.zip\n\nThis\u2028is\u2029safe.\u202E" + "x".repeat(500);
        opened(LENT);
        String text = message(asked("a.zip??This?is?safe.?xxx"));
        assertTrue(text, text.length() < 250);
    }

    @Test
    public void aLongNameIsNotCutWithinACharacter() {
        String smile = new String(Character.toChars(0x1F600)); // two chars
        name = "x" + smile.repeat(100);
        opened(LENT);
        asked("x" + smile.repeat(59) + "…");
    }

    @Test
    public void aProviderThatDoesNotAnswerHoldsNothingUpAndIsToldThatNobodyWaits() {
        answers = new CountDownLatch(1);
        try {
            ActivityController<MainActivity> controller = opened(LENT);
            asked("a file without a name");
            Phone.await("the provider was asked", () -> waiting != null);
            assertFalse(waiting.isCanceled());
            controller.pause().stop().destroy();
            assertTrue("it was cancelled", waiting.isCanceled());
        } finally {
            answers.countDown();
        }
    }

    @Test
    public void aProviderThatDoesNotSayTheNameIsNoReasonToFail() {
        name = null;
        opened(LENT);
        asked("a file without a name");
        answer(DialogInterface.BUTTON_POSITIVE);
        assertEquals("Lent-Net", state().bundle().get().manifest().name());
    }

    @Test
    public void aPathIsRefusedInASentenceAndNotRead() throws Exception {
        Path zip = BundleFiles.zip(BundleFiles.whole());
        MainActivity activity = opened(Uri.fromFile(zip.toFile())).get();
        assertEquals(null, question());
        assertEquals(BundleState.Event.REFUSED, state().event());
        assertEquals(carried, state().bundle().get().manifest().name());
        String notice = Phone.notice(activity, R.id.bundle_notice);
        assertTrue(notice, notice.contains("does not lend it (by a content: address)"));
    }

    @Test
    public void fromTheListOfLatestAppsNobodyAsksAgain() {
        Intent again = view(LENT).addFlags(Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY);
        Robolectric.buildActivity(MainActivity.class, again).setup();
        Phone.awaitRun();
        assertEquals(null, question());
        assertEquals(carried, state().bundle().get().manifest().name());
    }
}
