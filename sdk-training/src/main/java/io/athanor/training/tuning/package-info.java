/** Ways to change a model before it is trained, and to take apart what was trained. */
@NullMarked
package io.athanor.training.tuning;

import org.jspecify.annotations.NullMarked;
