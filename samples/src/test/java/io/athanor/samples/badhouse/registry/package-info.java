/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.registry;

import org.jspecify.annotations.NullMarked;
