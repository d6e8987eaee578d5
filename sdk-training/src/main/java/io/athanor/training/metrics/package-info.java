/** Training as Micrometer meters. */
@NullMarked
package io.athanor.training.metrics;

import org.jspecify.annotations.NullMarked;
