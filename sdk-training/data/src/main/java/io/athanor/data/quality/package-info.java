/** What the rows look like, and what became of the malformed ones. */
@NullMarked
package io.athanor.data.quality;

import org.jspecify.annotations.NullMarked;
