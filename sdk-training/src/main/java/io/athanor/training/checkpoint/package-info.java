/** Checkpoints that are whole or absent. */
@NullMarked
package io.athanor.training.checkpoint;

import org.jspecify.annotations.NullMarked;
