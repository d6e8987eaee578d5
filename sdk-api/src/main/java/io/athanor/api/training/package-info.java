/** Plans, optimizers, schedules and results of a training run. */
@NullMarked
package io.athanor.api.training;

import org.jspecify.annotations.NullMarked;
