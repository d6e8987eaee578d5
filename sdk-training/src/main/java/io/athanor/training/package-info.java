/** Trains models: the front door. */
@NullMarked
package io.athanor.training;

import org.jspecify.annotations.NullMarked;
