/** What a run will take, from its graph, its data and its plan. */
@NullMarked
package io.athanor.training.estimate;

import org.jspecify.annotations.NullMarked;
