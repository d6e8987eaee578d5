/**
 * A backend in plain Java doubles: slow, obvious, and the judge of the others. Every operation is a
 * function of arrays that also gives the gradients of its arguments.
 */
@NullMarked
package io.athanor.tck.reference;

import org.jspecify.annotations.NullMarked;
