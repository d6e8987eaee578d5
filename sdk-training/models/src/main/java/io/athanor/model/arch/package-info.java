/** The architectures, one file each. */
@NullMarked
package io.athanor.model.arch;

import org.jspecify.annotations.NullMarked;
