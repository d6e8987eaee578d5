/** The training loop and what it needs beside it. */
@NullMarked
package io.athanor.training.loop;

import org.jspecify.annotations.NullMarked;
