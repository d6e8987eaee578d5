/** Tests of a model against its champion on the same rows. */
@NullMarked
package io.athanor.eval.gate;

import org.jspecify.annotations.NullMarked;
