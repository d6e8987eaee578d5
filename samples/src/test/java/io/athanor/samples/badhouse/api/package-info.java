/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.api;

import org.jspecify.annotations.NullMarked;
