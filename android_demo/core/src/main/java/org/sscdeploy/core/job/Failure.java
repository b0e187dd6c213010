package org.sscdeploy.core.job;

import org.sscdeploy.core.engine.FailureKind;

/**
 * Why a measurement has no figures.
 *
 * @param kind    what is wrong
 * @param message a sentence
 */
public record Failure(FailureKind kind, String message) { }
