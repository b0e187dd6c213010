package org.sscdeploy.demo.parity;

import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.parity.ParityReport;

/** What a golden replay showed, and where. Immutable. */
public final class ParityOutcome {
    private final ParityReport report;
    private final Bundle bundle;
    private final String runtime;
    private final String device;
    private final boolean blocksChecked;

    ParityOutcome(ParityReport report, Bundle bundle, String runtime, String device, boolean blocksChecked) {
        this.report = report;
        this.bundle = bundle;
        this.runtime = runtime;
        this.device = device;
        this.blocksChecked = blocksChecked;
    }

    /** The figures. */
    public ParityReport report() {
        return report;
    }

    /** That was replayed. */
    public Bundle bundle() {
        return bundle;
    }

    /** Name and version of the runtime. */
    public String runtime() {
        return runtime;
    }

    /** That computed it. */
    public String device() {
        return device;
    }

    /** Whether the blocks were compared too. */
    public boolean blocksChecked() {
        return blocksChecked;
    }
}
