/** Contract tests: an implementation of an extension point extends the class named after it. */
@NullMarked
package io.athanor.tck;

import org.jspecify.annotations.NullMarked;
