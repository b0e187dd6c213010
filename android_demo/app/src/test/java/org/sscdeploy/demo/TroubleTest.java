package org.sscdeploy.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.view.ViewGroup;
import android.widget.TextView;
import java.nio.file.Path;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.sscdeploy.core.engine.Engine;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.engine.EngineOptions;
import org.sscdeploy.core.engine.FailureKind;
import org.sscdeploy.core.engine.LoadedModel;
import org.sscdeploy.engine.ort.OrtEngine;

/** Devices on which a runtime or the memory is missing: each screen says so as a result, and the rest goes on. */
@RunWith(RobolectricTestRunner.class)
public class TroubleTest {
    /** A runtime whose library is not built for this device; what the system then throws is real. */
    private static final class MissingEngine implements Engine {
        @Override
        public String id() {
            return "tflite";
        }

        @Override
        public String version() {
            return "";
        }

        @Override
        public String format() {
            return "tflite";
        }

        @Override
        public LoadedModel load(Path file, EngineOptions options) throws EngineException {
            try {
                System.loadLibrary("of_another_abi");
            } catch (UnsatisfiedLinkError error) {
                throw new EngineException(
                    FailureKind.NO_RUNTIME, "this device does not take TensorFlow Lite's library", error);
            }
            throw new AssertionError("there is such a library");
        }
    }

    /** A runtime that asks for more memory than there is. */
    private static final class GreedyEngine implements Engine {
        @Override
        public String id() {
            return "onnxruntime";
        }

        @Override
        public String version() {
            return "0";
        }

        @Override
        public String format() {
            return "onnx";
        }

        @Override
        public LoadedModel load(Path file, EngineOptions options) {
            long[] memory = new long[Integer.MAX_VALUE];
            throw new AssertionError("there is memory for " + memory.length);
        }
    }

    /** The app on a device that refuses TFLite's library. */
    public static final class WithoutTflite extends DemoApplication {
        @Override
        protected List<Engine> engines() {
            return List.of(new OrtEngine(), new MissingEngine());
        }
    }

    /** The app on a device of an instruction set that it carries no library for. */
    public static final class WithoutEngines extends DemoApplication {
        @Override
        protected List<Engine> engines() {
            return List.of(new MissingEngine());
        }
    }

    /** The app on a device with too little memory. */
    public static final class WithoutMemory extends DemoApplication {
        @Override
        protected List<Engine> engines() {
            return List.of(new GreedyEngine());
        }
    }

    private static void tapFirstPicture(MainActivity activity) {
        ((ViewGroup) activity.findViewById(R.id.strip)).getChildAt(0).performClick();
        Phone.awaitRun();
    }

    @Test
    @Config(application = WithoutTflite.class)
    public void aRefusedLibraryIsAResultBesideTheOtherRuntimesFigures() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.PROFILE);
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        Screenshot.take(activity, "trouble-engine-missing");
        ViewGroup rows = activity.findViewById(R.id.rows);
        assertTrue(Phone.app().profile.state().result().entries().get(0).stats().isPresent());
        TextView remark = rows.getChildAt(1).findViewById(R.id.remark);
        assertTrue(remark.getText().toString(),
            remark.getText().toString().startsWith("This device does not take TensorFlow Lite's library"));
    }

    @Test
    @Config(application = WithoutTflite.class)
    public void theRuntimeThatWorksIsChosenAtTheStart() {
        MainActivity activity = Phone.start().get();
        tapFirstPicture(activity);
        assertTrue(Phone.text(activity, R.id.latency_note).startsWith("ONNX Runtime"));
    }

    @Test
    @Config(application = WithoutTflite.class)
    public void aboutSaysWhichRuntimeIsMissingAndWhy() {
        MainActivity activity = Phone.start().get();
        Phone.go(activity, Destination.ABOUT);
        String all = Phone.allText(activity.findViewById(R.id.second));
        assertTrue(all, all.contains("not available: this device does not take its library"));
        assertTrue(all, all.contains("TensorFlow Lite’s library in this app is built for pages of 4 KB"));
    }

    @Test
    @Config(application = WithoutEngines.class)
    public void withoutAnyRuntimeTheScreensSaySo() {
        MainActivity activity = Phone.start().get();
        tapFirstPicture(activity);
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("Not classified This device does not take"));
        Screenshot.take(activity, "trouble-unsupported-abi");
        Phone.go(activity, Destination.PARITY);
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        assertTrue(Phone.notice(activity, R.id.notice).startsWith("Not compared This device does not take"));
    }

    @Test
    @Config(application = WithoutMemory.class)
    public void memoryThatRunsOutIsASentenceAndTheAppGoesOn() {
        MainActivity activity = Phone.start().get();
        tapFirstPicture(activity);
        String notice = Phone.notice(activity, R.id.notice);
        assertTrue(notice, notice.startsWith("Not classified There is not enough memory for this."));
        Screenshot.take(activity, "trouble-out-of-memory");
        Phone.go(activity, Destination.PROFILE);
        Phone.click(activity, R.id.run);
        Phone.awaitRun();
        assertEquals(1, Phone.app().profile.state().result().entries().size());
        assertTrue(Phone.app().profile.state().result().entries().get(0).failure().isPresent());
    }
}
