/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.eval;

import org.jspecify.annotations.NullMarked;
