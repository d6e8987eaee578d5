/** Seeded permutations and stratified splits. */
@NullMarked
package io.athanor.data.split;

import org.jspecify.annotations.NullMarked;
