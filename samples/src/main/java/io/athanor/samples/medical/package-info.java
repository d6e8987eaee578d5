/** Numbers from medicine: a diagnosis with honest probabilities, and an estimate. */
@NullMarked
package io.athanor.samples.medical;

import org.jspecify.annotations.NullMarked;
