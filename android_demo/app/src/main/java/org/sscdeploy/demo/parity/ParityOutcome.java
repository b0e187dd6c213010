package org.sscdeploy.demo.parity;

import org.sscdeploy.core.bundle.Bundle;
import org.sscdeploy.core.parity.ParityReport;

/**
 * What a golden replay showed, and where.
 *
 * @param report        the figures
 * @param bundle        that was replayed
 * @param runtime       name and version of the runtime
 * @param device        that computed it
 * @param blocksChecked whether the blocks were compared too
 */
public record ParityOutcome(ParityReport report, Bundle bundle, String runtime, String device,
        boolean blocksChecked) { }
