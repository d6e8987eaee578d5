/** Small values every stage shares: tensors in Java memory, digests, secrets, atomic files. */
@NullMarked
package io.athanor.api.common;

import org.jspecify.annotations.NullMarked;
