/** Built badly on purpose. */
@NullMarked
package io.athanor.samples.badhouse.backend.djl;

import org.jspecify.annotations.NullMarked;
