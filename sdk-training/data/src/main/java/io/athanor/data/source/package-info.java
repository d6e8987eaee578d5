/** Where records come from: CSV, JSON Lines, folders of pictures, memory, or an own source. */
@NullMarked
package io.athanor.data.source;

import org.jspecify.annotations.NullMarked;
