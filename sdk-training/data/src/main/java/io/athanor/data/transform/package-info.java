/** Feature encodings fitted on rows. */
@NullMarked
package io.athanor.data.transform;

import org.jspecify.annotations.NullMarked;
