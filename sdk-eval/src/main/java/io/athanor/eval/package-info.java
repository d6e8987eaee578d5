/** The evaluation of a model: metrics with intervals, gates, and a report to read. */
@NullMarked
package io.athanor.eval;

import org.jspecify.annotations.NullMarked;
