/** Metrics as functions of weighted observations, their bootstrap, and thresholds on them. */
@NullMarked
package io.athanor.eval.metric;

import org.jspecify.annotations.NullMarked;
