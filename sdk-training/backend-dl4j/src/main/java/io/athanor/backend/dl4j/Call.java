package io.athanor.backend.dl4j;

import java.util.SplittableRandom;

/**
 * What a run of a program starts from.
 *
 * @param values of the batch
 * @param parameters of the model
 * @param dropout draws what is dropped; not read but in training
 */
record Call(HostValues values, Parameters parameters, SplittableRandom dropout) {}
