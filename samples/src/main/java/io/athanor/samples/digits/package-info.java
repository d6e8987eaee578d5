/** Pictures of handwritten digits. */
@NullMarked
package io.athanor.samples.digits;

import org.jspecify.annotations.NullMarked;
