/** What a training run is told to do, and what comes of it. */
@NullMarked
package io.athanor.api.training;

import org.jspecify.annotations.NullMarked;
