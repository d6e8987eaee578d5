/** A small language model from nothing. */
@NullMarked
package io.athanor.samples.pretraining;

import org.jspecify.annotations.NullMarked;
