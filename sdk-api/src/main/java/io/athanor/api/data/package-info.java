/** Rows, schemas, fitted feature encodings and batches. */
@NullMarked
package io.athanor.api.data;

import org.jspecify.annotations.NullMarked;
