/** An architecture of one's own. */
@NullMarked
package io.athanor.samples.architecture;

import org.jspecify.annotations.NullMarked;
