package org.sscdeploy.demo.run;

import android.content.res.Resources;
import org.sscdeploy.core.bundle.BundleException;
import org.sscdeploy.core.engine.EngineException;
import org.sscdeploy.core.job.JobException;
import org.sscdeploy.core.picture.PictureException;
import org.sscdeploy.demo.R;

/** What the screen says of something that was thrown. */
public record FailureText(Resources resources) {
    /** A sentence. */
    public String of(Throwable error) {
        if (error instanceof OutOfMemoryError) {
            return resources.getString(R.string.out_of_memory);
        }
        if (error instanceof EngineException || error instanceof BundleException || error instanceof PictureException
                || error instanceof JobException) {
            return error.getMessage();
        }
        String message = error.getMessage();
        boolean mute = message == null || message.isEmpty();
        return resources.getString(R.string.unexpected, error.getClass().getSimpleName() + (mute ? "" : ": " + message));
    }
}
