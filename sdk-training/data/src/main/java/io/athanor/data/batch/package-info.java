/** Batches over encoded rows: order, bucketing, cache, prefetch. */
@NullMarked
package io.athanor.data.batch;

import org.jspecify.annotations.NullMarked;
