/** The front door of the data stage: from a source to training data. */
@NullMarked
package io.athanor.data;

import org.jspecify.annotations.NullMarked;
