/** A language model that is taught a library's Java. */
@NullMarked
package io.athanor.samples.code;

import org.jspecify.annotations.NullMarked;
