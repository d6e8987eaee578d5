/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.eval.metric;

import org.jspecify.annotations.NullMarked;
