package org.sscdeploy.core.bundle;

import java.util.List;

/** What model.json says of the golden set. */
record GoldenInfo(int count, String pixels, String inputs, String outputs, List<GoldenPicture> pictures,
        Tolerance tolerance) { }
