package io.athanor.tck.reference;

import java.util.List;
import java.util.function.Function;

/**
 * The value of an operation and how gradients go back through it.
 *
 * @param value the result
 * @param backward from the gradient of the result to those of the arguments, values first, then
 *     parameters, in the operation's order; arguments that nothing can learn from have zeros
 */
record Result(Array value, Function<Array, List<Array>> backward) {}
