/**
 * Ways to make a trained model smaller and faster, at a price in quality that is to be measured.
 */
@NullMarked
package io.athanor.training.compress;

import org.jspecify.annotations.NullMarked;
