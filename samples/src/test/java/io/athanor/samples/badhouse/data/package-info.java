/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.data;

import org.jspecify.annotations.NullMarked;
