/** Typed rows over a source, found by index. Used by the front door; not for applications. */
@NullMarked
package io.athanor.data.table;

import org.jspecify.annotations.NullMarked;
