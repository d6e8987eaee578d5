/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.training;

import org.jspecify.annotations.NullMarked;
