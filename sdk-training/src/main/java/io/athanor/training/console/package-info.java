/** Progress for people at a terminal or reading a log. */
@NullMarked
package io.athanor.training.console;

import org.jspecify.annotations.NullMarked;
