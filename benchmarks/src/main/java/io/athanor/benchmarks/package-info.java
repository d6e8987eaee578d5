/** Benchmarks of the SDK against hand-written code on the same engines. */
@NullMarked
package io.athanor.benchmarks;

import org.jspecify.annotations.NullMarked;
