package org.sscdeploy.demo;

import android.content.res.AssetManager;
import android.content.res.Resources;

/** The app as it is built without a bundle. */
public final class WithoutAssets extends DemoApplication {
    @Override
    public AssetManager getAssets() {
        return Resources.getSystem().getAssets();
    }
}
